// A dry run: what does a step cost? While a DryRun lives, tensors and parameters have shapes,
// identities and addresses but no memory, loops are skipped, and products are only counted.
// Everything else is the real thing: models, hooks, the tape, the need rule, the pool's accounting.
// So engine::counters() and the pool's peak are those of the step, for a model of any size.
//
//   const DryRun dry;
//   ParameterStore store(model);
//   store.allocate();                                    // addresses, no memory
//   Workspace workspace;
//   Graph g(workspace);
//   g.backward(model.loss(g, batch));                    // counts; batch holds real ids and labels
//
// An op reads and writes values only inside parallel_for, parallel_items, gemm, GradSink::put,
// Graph::scalar and Backward::scalar_dy, which know of it; anything else that touches a value
// faults. Code whose course depends on values calls refuse().
// What is made in a dry run must go before the DryRun does. One for the process, as the counters.
#pragma once

#include <string_view>
#include <utility>

#include "engine/base/error.h"

namespace engine {

class DryRun {
 public:
  DryRun() : before_(std::exchange(on_, true)) {}
  ~DryRun() { on_ = before_; }
  DryRun(const DryRun&) = delete;
  DryRun& operator=(const DryRun&) = delete;

  static bool on() { return on_; }
  // Throws engine::Error in a dry run: `where` needs values.
  static void refuse(std::string_view where) {
    check(!on_, where, "needs values, and a dry run has only shapes",
          hint("run the step, or leave this part out of the dry run"));
  }

 private:
  static inline bool on_ = false;
  bool before_;
};

}  // namespace engine
