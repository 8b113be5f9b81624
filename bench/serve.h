// A child process that steps on request, so that a script can let two engines take turns on one
// machine.
//
// One JSON object a line. First {"event": "ready", ...}: parameters, lengths of all batches, shape,
// start-up seconds, products needed. Then for every line of the input:
//   run N    {"event": "ran", "tokens", "seconds": [N], "resident_peak"}        the next N steps
//   peak     {"event": "peak", "peak_gflops"}                                   the machine's,
//   measured now quit     ends
#pragma once

#include <iosfwd>

#include "bench/step.h"

namespace bench {

void serve(const StepCase& c, std::istream& in, std::ostream& out);

}  // namespace bench
