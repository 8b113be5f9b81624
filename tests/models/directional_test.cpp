// The gradient of the whole model, with every strategy, against central differences along one random direction (double only).
#include "engine/autograd/gradcheck.h"
#include "tests/models/subject.h"

using namespace testing;

namespace {

double check_direction(Subject& subject, const engine::TokenBatch& batch, const engine::GraphOptions& graph) {
  std::vector<engine::Leaf*> leaves(subject.store->trainable().begin(), subject.store->trainable().end());
  const auto error = engine::directional_check(
      subject.workspace, leaves, [&](engine::Graph& g) { return subject.model->loss(g, subject.model->logits(g, batch), batch); },
      {.seed = 4, .graph = graph});
  CAPTURE(error.text());
  CHECK(error.relative < 1e-7);
  return error.relative;
}

}  // namespace

TEST_CASE("the directional derivative of the loss is <gradient, direction>, without dropout" * doctest::skip(!kDouble)) {
  for (const auto& model : kModels) {
    Worst worst("direction " + model);
    const auto batch = golden_batches(model)[0];
    for (const Json& entry : engine::json_file(golden("models/specs.json"))) {
      const auto spec = entry["spec"].get<std::string>();
      CAPTURE(model);
      CAPTURE(spec);
      Subject subject(model, spec, {.golden_init = true});
      worst.take(check_direction(subject, batch, {}));
    }
  }
}

TEST_CASE("the same with dropout of a fixed seed and step" * doctest::skip(!kDouble)) {
  for (const auto& model : kModels) {
    Worst worst("direction with dropout " + model);
    const auto batch = golden_batches(model)[1];
    for (std::string spec : kStrategies) {
      CAPTURE(model);
      CAPTURE(spec);
      const bool lora = spec.starts_with("lora:r=4,alpha=8");
      if (lora) spec.insert(std::string("lora:r=4,alpha=8").size(), ",dropout=0.25");
      Subject subject(model, spec, {.dropout = 0.2});
      engine::Random random(7);  // away from the neutral start, where half the gradients are zero
      for (engine::Parameter* p : subject.store->all())
        if (p->role == engine::Role::injected)
          for (int64_t i = 0; i < p->count(); ++i) p->value[i] += 0.2 * random.normal();
      engine::GraphOptions graph;
      graph.dropout = true;
      graph.seed = 11;
      graph.step = 3;
      worst.take(check_direction(subject, batch, graph));
    }
  }
}

TEST_CASE("the directional derivative of a regression" * doctest::skip(!kDouble)) {
  Subject subject("bert-regression", "bitfit");
  check_direction(subject, golden_batches("bert-regression")[0], {});
}
