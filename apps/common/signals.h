// Ctrl-C and SIGTERM ask a run to stop at the next step, so that it can save; a second one ends it
// at once.
#pragma once

namespace apps {

// Installs the handlers. Call once, before the training loop.
void watch_stop_signals();
// 0, or the signal that asked to stop. Cheap: read it at every step.
int stop_signal();
inline bool stop_requested() { return stop_signal() != 0; }
// The exit code that shells expect of a run that a signal ended: 130 for Ctrl-C, 143 for SIGTERM.
inline int stop_exit_code() { return 128 + stop_signal(); }

}  // namespace apps
