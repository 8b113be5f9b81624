#include "apps/common/waiting.h"

#include <unistd.h>

#include <cstdlib>

namespace apps {

void bound_waiting(char** argv) {
  // Turns of libgomp's loop, whose default is 300,000; docs/trust.md has what it was measured to
  // do.
  constexpr const char* kSpins = "10000";
  if (std::getenv("GOMP_SPINCOUNT") || std::getenv("OMP_WAIT_POLICY")) return;
  if (::setenv("GOMP_SPINCOUNT", kSpins, 1) != 0) return;
  ::execv("/proc/self/exe", argv);
  // Without /proc, threads wait as they would have.
}

}  // namespace apps
