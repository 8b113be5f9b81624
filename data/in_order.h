// Work on examples by all threads, whose results are taken in the examples' order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <span>
#include <type_traits>
#include <vector>

namespace data {

// take(example, make(example)) for each, in order; `make` is called on any thread. Some thousand
// results are in memory at a time. What `make` throws is thrown here, for the first example first.
template <class Example, class Make, class Take>
void in_order(std::span<const Example> examples, Make&& make, Take&& take) {
  constexpr size_t kAtATime = 4096;
  using Made = std::invoke_result_t<Make&, const Example&>;
  std::vector<Made> made;
  std::vector<std::exception_ptr> failed;
  for (size_t from = 0; from < examples.size(); from += kAtATime) {
    const auto some = examples.subspan(from, std::min(kAtATime, examples.size() - from));
    made.assign(some.size(), Made());
    failed.assign(some.size(), nullptr);
    const auto n = static_cast<int64_t>(some.size());
#pragma omp parallel for schedule(dynamic, 16)
    for (int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<size_t>(i);
      try {
        made[at] = make(some[at]);
      } catch (...) {
        failed[at] = std::current_exception();
      }
    }
    for (size_t i = 0; i < some.size(); ++i) {
      if (failed[i]) std::rethrow_exception(failed[i]);
      take(some[i], made[i]);
    }
  }
}

}  // namespace data
