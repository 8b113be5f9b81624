#include "engine/train/step_cost.h"

#include <algorithm>

#include "engine/base/dry_run.h"
#include "engine/nn/parameter_store.h"
#include "engine/train/pieces.h"

namespace engine {
namespace {

// Addresses for a model's parameters, while it lives.
struct DryParameters {
  explicit DryParameters(Module& model) : store(model) {
    for (const Parameter* p : store.all())
      check(p->value == nullptr, "step cost", p->name, " has values already",
            hint("plan with a model of its own"));
    store.allocate();
  }
  ~DryParameters() {
    for (Parameter* p : store.all()) {
      p->value = p->grad = nullptr;
      p->half = {};
      p->rows = nullptr;
      p->grad_written = false;
    }
  }
  ParameterStore store;
};

struct RestoredCounters {
  ~RestoredCounters() { counters() = before; }
  const Counters before = counters();
};

}  // namespace

StepCost cost_of_step(Module& model, const TokenBatch& batch, int64_t piece_tokens, bool dropout,
                      const std::function<Tensor(Graph&, const TokenBatch&)>& loss) {
  const DryRun dry;
  const DryParameters parameters(model);
  const RestoredCounters restored;
  Workspace workspace;
  Pieces pieces;
  pieces.cut(batch, piece_tokens);
  StepCost cost;
  cost.weight_bytes = parameters.store.held_bytes();
  cost.pieces = pieces.count();
  std::vector<int32_t> last, last_output;  // the lengths of the piece that counters() is of
  for (int i = 0; i < pieces.count(); ++i) {
    const TokenBatch& piece = pieces.get(i);
    if (piece.segments.starts != last || piece.output.segments.starts != last_output) {
      last = piece.segments.starts;
      last_output = piece.output.segments.starts;
      counters() = {};
      Graph g(workspace, {.dropout = dropout});
      const Tensor result = loss(g, piece);
      if (g.needs(result)) g.backward(result);
    }
    cost.add(counters());
  }
  cost.pool_bytes = workspace.pool.peak_bytes();
  cost.system_allocations = workspace.pool.system_allocations();
  return cost;
}

}  // namespace engine
