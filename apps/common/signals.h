// Ctrl-C, SIGTERM, SIGHUP and SIGXCPU ask a run to stop after the update in hand, so that it can
// save; a second one ends it at once.
//
// No handler ever runs on a computing thread: oneDNN's JIT products use the stack pointer as a
// general register, so the kernel would write a handler's frame into the heap. The signals are
// blocked in every thread, and one thread waits for them.
#pragma once

namespace apps {

// Blocks the signals and starts the thread that waits for them, the first time. Call it before
// anything makes a thread (the first product does): threads inherit what is blocked. A signal that
// was ignored when the program started (nohup, a background job) stays ignored.
void watch_stop_signals();

// 0, or the signal that asked to stop. Cheap: read it at every step.
int stop_signal();
inline bool stop_requested() { return stop_signal() != 0; }
// The exit code that shells expect of a run that a signal ended: 130 for Ctrl-C, 143 for SIGTERM.
inline int stop_exit_code() { return 128 + stop_signal(); }

// In a forked process, where nobody waits for signals: ignores them, since the parent decides when
// to stop, and unblocks them.
void leave_stop_signals_to_parent();

// A file that is mapped and cut short by another program ends this one with a message that names
// the file and exit code 1, in place of SIGBUS. Its handler computes nothing and returns nowhere,
// so that it may run on any thread.
void report_lost_pages();

// Where stdin, stdout or stderr are closed, the next file to be opened would get their number, and
// output would be written into it: puts /dev/null there, the wrong way round, so that reading or
// writing it is an error. Call it first.
void occupy_closed_descriptors();

// SIGPIPE and SIGXFSZ do not kill: the write fails with an error, which has a message.
void ignore_write_signals();

}  // namespace apps
