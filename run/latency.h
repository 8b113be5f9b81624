// What one text costs a served model: milliseconds, one text at a time, before and after merging.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/autograd/graph.h"
#include "run/session.h"

namespace run {

struct Latency {
  int64_t examples = 0;
  double milliseconds = 0;       // median
  std::optional<double> merged;  // of the same texts; nothing if there is nothing to merge
};

// Of the first texts of a dev set (else of the training set): at most 50, and at most about a
// second of them. Where the strategy can be merged it is, and its modules are taken out of the
// model: the session's parameter store must not be used afterwards.
Latency measure_latency(Session& session, engine::Workspace& workspace);

}  // namespace run
