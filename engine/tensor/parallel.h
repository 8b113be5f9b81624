// Row-wise loops over the thread team. What a loop computes must not depend on where it is cut.
// A dry run skips them (engine/base/dry_run.h).
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

#include "engine/base/dry_run.h"

namespace engine {

// Below this much work (scalars touched) waking the team costs more than it brings.
inline constexpr int64_t kParallelGrain = 16 * 1024;

// fn(begin, end) over [0, n) in contiguous parts, one a thread; `cost` is the number of scalars
// touched by one item. Parts begin at multiples of `align`.
template <class F>
void parallel_for(int64_t n, int64_t cost, F&& fn, int64_t align = 1) {
  if (DryRun::on()) return;
  const int team = omp_in_parallel() ? 1
                                     : static_cast<int>(std::min<int64_t>(
                                           omp_get_max_threads(), n * cost / kParallelGrain + 1));
  if (team <= 1) {
    if (n > 0) fn(int64_t{0}, n);
    return;
  }
#pragma omp parallel num_threads(team)
  {
    const int64_t parts = omp_get_num_threads(), part = omp_get_thread_num();
    const int64_t chunk = ((n + parts - 1) / parts + align - 1) / align * align;
    const int64_t begin = std::min(n, part * chunk), end = std::min(n, begin + chunk);
    if (begin < end) fn(begin, end);
  }
}

// fn(item, thread) for every item of [0, n), each taken by whichever thread is free. Products
// inside fn are single-threaded: a region of one thread would not count as parallel, and a BLAS
// would start a team of its own inside it, for every product anew.
template <class F>
void parallel_items(int64_t n, F&& fn) {
  if (DryRun::on()) return;
  if (n <= 1 || omp_in_parallel() || omp_get_max_threads() == 1) {
    for (int64_t item = 0; item < n; ++item) fn(item, 0);
    return;
  }
#pragma omp parallel for schedule(dynamic)
  for (int64_t item = 0; item < n; ++item) fn(item, omp_get_thread_num());
}

}  // namespace engine
