// How long threads spin before they let go of a core.
#pragma once

namespace apps {

// First thing in main(), with its argv. OpenMP's threads spin where one waits for another, which is
// lost time whenever another program has the other's core. This bounds it, unless the user has said
// otherwise (OMP_WAIT_POLICY, GOMP_SPINCOUNT). OpenMP reads that when it is loaded, so the program
// begins again, once.
void bound_waiting(char** argv);

}  // namespace apps
