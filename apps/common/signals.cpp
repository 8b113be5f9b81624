#include "apps/common/signals.h"

#include <signal.h>
#include <unistd.h>

namespace apps {
namespace {

volatile sig_atomic_t received = 0;

void on_signal(int signal_number) {
  if (received != 0) {  // only what POSIX allows in a handler
    constexpr char kMessage[] = "\nstopped at once; what was saved before stays\n";
    [[maybe_unused]] const auto written = write(2, kMessage, sizeof kMessage - 1);
    _exit(128 + signal_number);
  }
  received = signal_number;
}

}  // namespace

void watch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // a write to a file in progress goes on
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int stop_signal() { return received; }

}  // namespace apps
