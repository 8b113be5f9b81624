// One thread team for everything: OpenMP, with OpenBLAS in its OpenMP build.
#pragma once

#include <string>

namespace engine {

inline constexpr int kMostThreads = 1024;

// Uses `n` threads from now on (0: as many as this process may run on). Never more or fewer because
// of other programs: the number decides the bits of a result, and the load of the machine must not.
//
// What the load decides is where threads run. On an idle machine with as many threads as cores,
// each is pinned to a core of its own (unpinned, two have been seen sharing one); where other
// programs run, they are left to the system. The user's OMP_PROC_BIND is left alone. Returns the
// number used; throws Error for one below 0 or above kMostThreads.
int set_threads(int n);

// The number of threads in force.
int threads();

// Unpins the threads if other programs have come to the cores meanwhile: if the system took a core
// from this process often since the last call. Cheap: call it once a step.
void watch_load();

// What was chosen, for a person: "2 threads, each on a core of its own", "2 threads, left to the
// system (other programs are running)".
std::string threads_text();

// Gives the calling thread a stack of its own for the handlers of faults, unless it has one: oneDNN
// uses the stack pointer as a general register, so a handler must not run on it. set_threads does
// so for the threads of the team.
void give_fault_stack();

}  // namespace engine
