// How a product is cut where its bits must not depend on the number of threads.
#pragma once

#include <omp.h>

#include <algorithm>

#include "engine/tensor/parallel.h"

namespace engine {

// The calling thread asks a BLAS for one thread while this lives.
class OneThread {
 public:
  OneThread() : before_(omp_in_parallel() ? 1 : omp_get_max_threads()) {
    if (before_ > 1) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ > 1) omp_set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// part(rows, begin, count) for parts of an (m, n) result, each computed by one thread: rows [begin,
// begin + count) if `rows`, else columns. Cut along the longer side into at most 16 parts of at
// least 64: enough for the threads of a machine, and by nothing but the shape.
template <class F>
void product_parts(int64_t m, int64_t n, F&& part) {
  const bool rows = m >= n;
  const int64_t side = rows ? m : n;
  const int64_t parts = std::clamp<int64_t>(side / 64, 1, 16);
  const int64_t size = ((side + parts - 1) / parts + 15) / 16 * 16;
  parallel_items((side + size - 1) / size, [&](int64_t item, int) {
    const int64_t begin = item * size;
    const OneThread one;  // a single part runs outside of any team
    part(rows, begin, std::min(size, side - begin));
  });
}

}  // namespace engine
