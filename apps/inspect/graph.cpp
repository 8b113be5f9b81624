#include <ostream>

#include "apps/inspect/model.h"
#include "engine/autograd/dot.h"
#include "engine/base/dry_run.h"
#include "run/plan.h"

namespace apps {

void inspect_graph(const InspectOptions& options, std::ostream& out) {
  Inspected inspected = open_inspected(options, "full");
  models::SequenceClassifier& model = *inspected.model;
  const models::ModelConfig& config = model.config();
  engine::TokenBatch batch;
  const auto add = [&](const std::vector<int32_t>& ids, const std::vector<int32_t>& types) {
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    batch.types.insert(batch.types.end(), types.begin(), types.end());
    batch.segments.add(static_cast<int32_t>(ids.size()));
    batch.labels.push_back(0);
    batch.targets.resize(batch.ids.size(), 0);
  };
  if (options.texts.empty()) {
    engine::check(options.batch > 0 && options.length > 0, "graph", "a step of ", options.batch,
                  " sequences of ", options.length, " tokens");
    for (int i = 0; i < options.batch; ++i)
      add(std::vector<int32_t>(static_cast<size_t>(options.length), 0),
          std::vector<int32_t>(static_cast<size_t>(options.length), 0));
  } else {
    const auto tokenizer = open_tokenizer(options);
    for (const TextInput& text : text_inputs(options)) {
      const data::Encoding e =
          encode(*tokenizer, text,
                 options.max_length > 0 ? options.max_length
                                        : static_cast<int>(config.longest_sequence()));
      add(e.ids, e.types);
    }
  }
  if (run::writes_outputs(model)) {  // each text is written again
    batch.output.ids = batch.ids;
    batch.output.segments = batch.segments;
  }
  const engine::DryRun dry;  // a picture shows no values
  engine::ParameterStore store(model);
  store.allocate();
  engine::Workspace workspace;
  engine::Trace trace;
  {
    engine::GraphOptions graph_options;
    graph_options.trace = &trace;
    graph_options.dropout = options.dropout;
    engine::Graph g(workspace, graph_options);
    run::planned_loss(model, g, batch);
  }
  out << engine::to_dot(trace, [](const engine::Leaf& leaf) {
    return static_cast<const engine::Parameter&>(leaf).name;
  });
}

}  // namespace apps
