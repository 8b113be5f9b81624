// A fresh BERT, made trainable by BitFit, and one forward pass: two sentences in, two rows of
// logits out. And the gradients of an op of one's own, checked by central differences.
#include <cmath>
#include <cstdio>

#include "engine/autograd/gradcheck.h"
#include "engine/nn/parameter_store.h"
#include "models/classifier.h"
#include "peft/strategy.h"

static engine::Tensor squared(engine::Graph& g, const engine::Tensor& x) {
  engine::Tensor y = g.make(x.shape());
  y.flat() = x.flat().square();
  const engine::Tensor xs = g.keep(x, {x});
  return g.record("squared", y, {x}, [=](engine::Backward& bw) {
    if (auto dx = bw.into(xs)) dx.put(2 * xs.flat() * bw.dy().flat());
  });
}

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
  engine::Scalar values[] = {1, -2, 0.5, 3};
  const engine::OpCheck check = check_op(
      workspace,
      [](engine::Graph& g, const std::vector<engine::Tensor>& in) { return squared(g, in[0]); },
      {engine::Tensor({2, 2}, values)});
  engine::Graph graph(workspace, {.record = false});
  const engine::Tensor logits = model.logits(graph, batch);
  std::printf("%lld of %lld parameters are trained; the logits are %lld by %lld, the first is %g\n",
              static_cast<long long>(store.trainable_count()),
              static_cast<long long>(store.total_count()), static_cast<long long>(logits.rows()),
              static_cast<long long>(logits.cols()), static_cast<double>(*logits.data()));
  return logits.rows() == 2 && logits.cols() == 2 && std::isfinite(*logits.data()) &&
                 store.trainable_count() > 0 && check.right()
             ? 0
             : 1;
}
