#include "engine/base/threads.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace engine {
namespace {

// The cores that the process was started on. Read once: after pinning, the main thread's own mask
// is a single core.
const std::vector<int>& allowed_cores() {
  static const std::vector<int> cores = [] {
    std::vector<int> found;
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (sched_getaffinity(0, sizeof mask, &mask) == 0)
      for (int core = 0; core < CPU_SETSIZE; ++core)
        if (CPU_ISSET(core, &mask)) found.push_back(core);
    return found;
  }();
  return cores;
}

}  // namespace

int set_threads(int n) {
  const std::vector<int>& cores = allowed_cores();
  const int available = std::max<int>(1, static_cast<int>(cores.size()));
  // OpenMP has read OMP_NUM_THREADS by now; asked later, it would say what the last call here set.
  static const int by_environment =
      std::getenv("OMP_NUM_THREADS") ? omp_get_max_threads() : available;
  if (n <= 0) n = std::min(by_environment, available);
  omp_set_dynamic(0);
  omp_set_num_threads(n);
  // Fewer threads than cores are left to the system: two such programs would be pinned onto the
  // same first cores.
  if (!std::getenv("OMP_PROC_BIND") && !cores.empty() && n == available) {
#pragma omp parallel num_threads(n)
    {
      cpu_set_t mine;
      CPU_ZERO(&mine);
      CPU_SET(cores[static_cast<size_t>(omp_get_thread_num())], &mine);
      sched_setaffinity(0, sizeof mine, &mine);  // a refusal only costs speed
    }
  }
  return n;
}

int threads() { return omp_get_max_threads(); }

}  // namespace engine
