// A fresh BERT, made trainable by BitFit, and one forward pass: two sentences in, two rows of
// logits out.
#include <cmath>
#include <cstdio>

#include "engine/nn/parameter_store.h"
#include "models/classifier.h"
#include "peft/strategy.h"

int main() {
  models::SequenceClassifier model(
      models::config_from_spec("random:layers=2,hidden=16,heads=2,ffn=32,positions=16", 30));
  const auto strategy = peft::make_strategy("bitfit");
  auto sites = model.sites();
  peft::apply(*strategy, sites, model);
  engine::ParameterStore store(model);
  store.allocate();
  store.initialise(1);

  engine::TokenBatch batch;
  batch.ids = {2, 7, 4, 3, 2, 9, 3};
  batch.types.assign(batch.ids.size(), 0);
  batch.segments.add(4);
  batch.segments.add(3);
  engine::Workspace workspace;
  engine::Graph graph(workspace, {.record = false});
  const engine::Tensor logits = model.logits(graph, batch);
  std::printf("%lld of %lld parameters are trained; the logits are %lld by %lld, the first is %g\n",
              static_cast<long long>(store.trainable_count()),
              static_cast<long long>(store.total_count()), static_cast<long long>(logits.rows()),
              static_cast<long long>(logits.cols()), static_cast<double>(*logits.data()));
  return logits.rows() == 2 && logits.cols() == 2 && std::isfinite(*logits.data()) &&
                 store.trainable_count() > 0
             ? 0
             : 1;
}
