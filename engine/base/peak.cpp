#include "engine/base/peak.h"

#include <omp.h>

#include <algorithm>
#include <vector>

#include "engine/base/timer.h"

namespace engine {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));

constexpr int kChains = 12;  // independent sums: latency 4 times two units, and some to spare
constexpr int kRounds = 20000;

// 2 kLanes kChains kRounds FLOP.
float work() {
  Vector sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = Vector{} + static_cast<float>(i);
  Vector a = Vector{} + 0.999f, b = Vector{} + 0.001f;
  asm volatile("" : "+x"(a), "+x"(b));
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sum[i] = sum[i] * a + b;
  }
  Vector total = sum[0];
  for (int i = 1; i < kChains; ++i) total += sum[i];
  return total[0];
}

}  // namespace

double measure_peak_gflops(int threads, double seconds) {
  std::vector<double> best(static_cast<size_t>(threads), 0);
#pragma omp parallel num_threads(threads)
  {
    volatile float sink = 0;
    double mine = 0;
    const Timer whole;
    while (whole.seconds() < seconds) {
      const Timer timer;
      sink = sink + work();
      mine = std::max(mine, 2.0 * kLanes * kChains * kRounds / timer.seconds() * 1e-9);
    }
    best[static_cast<size_t>(omp_get_thread_num())] = mine;
  }
  double sum = 0;
  for (const double b : best) sum += b;
  return sum;
}

}  // namespace engine
