// One thread team for everything: OpenMP, with OpenBLAS in its OpenMP build.
#pragma once

namespace engine {

// Uses `n` threads from now on (0: as many as this process may run on). When that is all cores,
// pins each thread to a core of its own, unless the user pins them with OMP_PROC_BIND: unpinned,
// two threads have been seen sharing one core. Returns the number used.
int set_threads(int n);

// The number of threads in force.
int threads();

}  // namespace engine
