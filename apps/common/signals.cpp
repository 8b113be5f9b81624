#include "apps/common/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "engine/base/mapping.h"
#include "engine/base/threads.h"

namespace apps {
namespace {

using Clock = std::chrono::steady_clock;

struct StopSignal {
  int number;
  const char* name;
};
constexpr StopSignal kStopSignals[] = {
    {SIGINT, "Ctrl-C"}, {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"}, {SIGXCPU, "SIGXCPU"}};

// timeout(1) sends its signal to the program and then to the program's group: within this time, the
// same signal from another process is the same request.
constexpr auto kSameRequest = std::chrono::milliseconds(250);

std::atomic<int> received{0};

void say(std::string_view text) {
  [[maybe_unused]] const auto written = ::write(2, text.data(), text.size());
}

// The thread that waits: the only place where a signal is taken.
[[noreturn]] void wait_for_signals(sigset_t set) {
  Clock::time_point first;
  for (;;) {
    siginfo_t info{};
    const int number = ::sigwaitinfo(&set, &info);
    if (number <= 0) continue;  // interrupted by SIGCONT
    const int before = received.load();
    if (before == 0) {
      first = Clock::now();
      received = number;
      for (const StopSignal& s : kStopSignals)
        if (s.number == number)
          say(std::string("\n") + s.name +
              ": stopping after this step, and saving; once more ends it at once\n");
      continue;
    }
    if (number == SIGXCPU) continue;  // the system repeats it every second
    const bool typed = info.si_code == SI_KERNEL;
    if (number == before && !typed && Clock::now() - first < kSameRequest) continue;
    say("\nstopped at once; what was saved before stays\n");
    ::_exit(128 + number);
  }
}

}  // namespace

void watch_stop_signals() {
  static std::atomic<bool> watching{false};
  if (watching.exchange(true)) return;
  sigset_t set;
  ::sigemptyset(&set);
  for (const StopSignal& s : kStopSignals) {
    struct sigaction now {};
    if (::sigaction(s.number, nullptr, &now) == 0 && now.sa_handler != SIG_IGN)
      ::sigaddset(&set, s.number);
  }
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::thread(wait_for_signals, set).detach();
}

int stop_signal() { return received; }

void leave_stop_signals_to_parent() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const StopSignal& s : kStopSignals) {
    ::signal(s.number, SIG_IGN);
    ::sigaddset(&set, s.number);
  }
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

namespace {

void lost_page(int, siginfo_t* info, void*) {
  const char* path = info ? engine::mapped_path_at(info->si_addr) : nullptr;
  if (!path) {  // not a file of ours: the fault comes again, and ends the process
    ::signal(SIGBUS, SIG_DFL);
    return;
  }
  say("\nerror: ");
  say(path);
  say(": was cut short while it was in use\nhint: replace a file that is in use only by renaming "
      "another over it; what was saved before stays\n");
  ::_exit(1);
}

}  // namespace

void report_lost_pages() {
  engine::give_fault_stack();
  struct sigaction action {};
  action.sa_sigaction = lost_page;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, nullptr);
}

void occupy_closed_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is this one, since all below are taken.
    [[maybe_unused]] const int taken = ::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
  }
}

void ignore_write_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace apps
