#include "engine/base/threads.h"

#include <omp.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <vector>

#include "engine/base/error.h"

namespace engine {
namespace {

using Clock = std::chrono::steady_clock;

// The cores that the process was started on. Read once: after pinning, the main thread's own mask
// is a single core.
const cpu_set_t& allowed() {
  static const cpu_set_t mask = [] {
    cpu_set_t found;
    CPU_ZERO(&found);
    if (sched_getaffinity(0, sizeof found, &found) != 0) CPU_ZERO(&found);
    return found;
  }();
  return mask;
}

const std::vector<int>& allowed_cores() {
  static const std::vector<int> cores = [] {
    std::vector<int> found;
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &allowed())) found.push_back(core);
    return found;
  }();
  return cores;
}

// Where the threads are, and why.
struct Placement {
  bool pinned = false, busy = false;
  Clock::time_point looked = Clock::now();
  long preempted = 0;  // times that the system took a core from us, until `looked`
};
Placement placement;

long times_preempted() {
  rusage usage{};
  return ::getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_nivcsw : 0;
}

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void pin_threads(int n) {
#pragma omp parallel num_threads(n)
  {
    cpu_set_t mine;
    CPU_ZERO(&mine);
    CPU_SET(allowed_cores()[static_cast<size_t>(omp_get_thread_num())], &mine);
    sched_setaffinity(0, sizeof mine, &mine);  // a refusal only costs speed
  }
  placement.pinned = true;
}

void unpin_threads(int n) {
#pragma omp parallel num_threads(n)
  sched_setaffinity(0, sizeof(cpu_set_t), &allowed());
  placement.pinned = false;
}

// Whether the pinned threads, all at work for some milliseconds, get their cores for less than nine
// tenths of the time.
bool others_are_running(int n) {
  constexpr double kSeconds = 0.015;  // three turns of a scheduler that shares a core
  double least = 1;
#pragma omp parallel num_threads(n) reduction(min : least)
  {
    const auto begin = Clock::now();
    const double used = thread_seconds();
    double wall = 0;
    do wall = std::chrono::duration<double>(Clock::now() - begin).count();
    while (wall < kSeconds);
    least = (thread_seconds() - used) / wall;
  }
  return least < 0.9;
}

// A stack for handlers of faults, of the thread that it is made in.
class FaultStack {
 public:
  FaultStack() {
    stack_t now{};
    if (::sigaltstack(nullptr, &now) != 0 || !(now.ss_flags & SS_DISABLE)) return;
    const size_t size = size_t{16384} + ::getauxval(AT_MINSIGSTKSZ);
    memory_ = std::make_unique<char[]>(size);
    stack_t own{};
    own.ss_sp = memory_.get();
    own.ss_size = size;
    if (::sigaltstack(&own, nullptr) != 0) memory_.reset();
  }
  ~FaultStack() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    if (memory_) ::sigaltstack(&none, nullptr);
  }

 private:
  std::unique_ptr<char[]> memory_;
};

}  // namespace

void give_fault_stack() { static thread_local FaultStack stack; }

int set_threads(int n) {
  check(n >= 0 && n <= kMostThreads, "threads", n, " threads, expected 0 (all cores) to ",
        kMostThreads);
  const int available = std::max<int>(1, static_cast<int>(allowed_cores().size()));
  // OpenMP has read OMP_NUM_THREADS by now; asked later, it would say what the last call here set.
  static const int by_environment =
      std::getenv("OMP_NUM_THREADS") ? omp_get_max_threads() : available;
  if (n <= 0) n = std::min(by_environment, available);
  omp_set_dynamic(0);
  omp_set_num_threads(n);
#pragma omp parallel num_threads(n)
  give_fault_stack();
  if (placement.pinned) unpin_threads(n);
  placement = {};
  // Fewer threads than cores are left to the system: two such programs would be pinned onto the
  // same first cores.
  if (!std::getenv("OMP_PROC_BIND") && !allowed_cores().empty() && n == available) {
    pin_threads(n);
    placement.busy = others_are_running(n);
    if (placement.busy) unpin_threads(n);
  }
  placement.looked = Clock::now();
  placement.preempted = times_preempted();
  return n;
}

int threads() { return omp_get_max_threads(); }

void watch_load() {
  if (!placement.pinned) return;
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - placement.looked).count();
  if (seconds < 0.5) return;
  const long preempted = times_preempted();
  // On an idle machine a core is taken a few times a second, for the system's own work; a program
  // that shares a core takes it a hundred times.
  const double rate = static_cast<double>(preempted - placement.preempted) / seconds;
  placement.looked = now;
  placement.preempted = preempted;
  if (rate < 40) return;
  unpin_threads(omp_get_max_threads());
  placement.busy = true;
}

std::string threads_text() {
  const int n = omp_get_max_threads();
  const char* where = placement.pinned ? ", each on a core of its own"
                      : placement.busy ? ", left to the system (other programs are running)"
                      : std::getenv("OMP_PROC_BIND") ? ", placed by OMP_PROC_BIND"
                                                     : ", left to the system";
  return concat(n, n == 1 ? " thread" : " threads", n == 1 ? "" : where);
}

}  // namespace engine
