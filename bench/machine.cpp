#include "bench/machine.h"

#include <omp.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "engine/base/timer.h"
#include "engine/base/version.h"
#include "engine/tensor/gemm.h"

namespace bench {
namespace {

// Not inlined, and told that nothing overlaps: one vector loop, whatever the caller does with the
// result.
__attribute__((noinline)) void triad(float* __restrict a, const float* __restrict b,
                                     const float* __restrict c, float s, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) a[i] = b[i] + s * c[i];
}

int64_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key)) return std::atoll(line.c_str() + key.size()) * 1024;
  return 0;
}

}  // namespace

double measure_triad_gbs(int threads, int64_t bytes, double seconds) {
  const int64_t n =
      std::max<int64_t>(1024, bytes / 3 / static_cast<int64_t>(sizeof(float)) / threads) / 16 *
      16;  // a thread's part
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  const size_t whole = static_cast<size_t>(n) * static_cast<size_t>(threads) * sizeof(float);
  const auto array = [&] {
    return std::unique_ptr<float, Free>(
        static_cast<float*>(std::aligned_alloc(4096, (whole + 4095) / 4096 * 4096)));
  };
  const auto a = array(), b = array(), c = array();
  double best = 0;
  bool go = true;  // shared: written by one thread between barriers
#pragma omp parallel num_threads(threads)
  {
    const int64_t at = n * omp_get_thread_num();
    float *pa = a.get() + at, *pb = b.get() + at, *pc = c.get() + at;
    std::fill_n(pa, n, 0.0f);  // first touched by who uses it
    std::fill_n(pb, n, 1.0f);
    std::fill_n(pc, n, 2.0f);
    // Enough rounds between two barriers that these do not count.
    const auto rounds = static_cast<int>(std::max<int64_t>(1, (int64_t{1} << 22) / n));
    const engine::Timer all;
    while (go) {
#pragma omp barrier
      const engine::Timer timer;
      for (int r = 0; r < rounds; ++r) triad(pa, pb, pc, 0.5f, n);
#pragma omp barrier
      const double took = timer.seconds();
#pragma omp single
      {
        best = std::max(best, 3.0 * static_cast<double>(whole) * rounds / took * 1e-9);
        go = all.seconds() < seconds;
      }
    }
  }
  return best;
}

double bandwidth_gbs(int threads, int64_t bytes) {
  static std::map<std::pair<int, int64_t>, double> known;
  constexpr int64_t kLeast = int64_t{1} << 16, kMost = int64_t{1} << 28;
  const auto size =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::clamp(bytes, kLeast, kMost))));
  double& found = known[{threads, size}];
  if (found == 0) found = measure_triad_gbs(threads, size);
  return found;
}

int64_t resident_bytes() { return status_bytes("VmRSS:"); }
int64_t peak_resident_bytes() { return status_bytes("VmHWM:"); }
void reset_peak_resident() { std::ofstream("/proc/self/clear_refs") << "5"; }

double process_seconds() {
  std::ifstream stat("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream fields(text.substr(
      std::min(text.size(), text.rfind(')') + 1)));  // the name before it may hold spaces
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double started = 0;
  fields >> started;
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9 -
         started / static_cast<double>(sysconf(_SC_CLK_TCK));
}

engine::Json machine_json(int threads) {
  const engine::Machine m = engine::machine();
  return {{"processor", m.processor},
          {"cores", m.cores},
          {"threads", threads},
          {"memory_bytes", m.memory_bytes},
          {"system", m.system},
          {"compiler", engine::compiler()},
          {"blas", engine::blas_version()},
          {"version", engine::version()},
          {"revision", engine::git_revision()}};
}

}  // namespace bench
