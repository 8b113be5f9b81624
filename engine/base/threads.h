// One thread team for everything: OpenMP, with OpenBLAS in its OpenMP build.
#pragma once

#include <string>

namespace engine {

inline constexpr int kMostThreads = 1024;

// Uses `n` threads from now on (0: as many as this process may run on), whatever else runs: the
// number decides the bits of a result. Returns the number used; throws Error for one below 0 or
// above kMostThreads.
//
// The load decides only whether each thread is pinned to a core of its own (idle machine, as many
// threads as cores) or left to the system. The user's OMP_PROC_BIND is left alone.
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
