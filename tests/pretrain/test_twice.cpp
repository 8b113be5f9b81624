// A pretraining model is called twice in one graph: the gradients are the sum of those of two.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/ops/elementwise.h"
#include "models/electra_pretraining.h"
#include "models/masked_lm.h"

namespace {

using Ids = std::vector<int32_t>;

models::ModelConfig small(const std::string& more) {
  auto config =
      models::config_from_spec("random:layers=2,hidden=16,heads=4,ffn=24,positions=32," + more, 26);
  config.set_dropout(0);
  config.json["initializer_range"] = 0.2;
  return config;
}

// The largest difference between the gradients of both calls in one graph and the sum of each
// call's own.
template <class Loss>
double difference(engine::Module& model, const Loss& loss) {
  engine::TokenBatch first, second;  // of other lengths, so that other rows are masked
  first.ids = {2, 7, 4, 9, 10, 3, 2, 4, 12, 13, 4, 15, 16, 3};
  first.types.assign(14, 0);
  first.segments.add(6);
  first.segments.add(8);
  second.ids = {2, 4, 9, 10, 4, 3};
  second.types.assign(6, 0);
  second.segments.add(6);
  engine::ParameterStore store(model);
  for (engine::Parameter* p : store.all()) p->trainable = true;
  store.allocate();
  store.initialise(7);
  engine::Workspace workspace;
  const auto gradients = [&](bool one, bool two) {
    store.clear_gradients();
    engine::Graph g(workspace);
    engine::Tensor a, b;
    if (one) a = loss(g, first, Ids{2, 7, 10}, Ids{8, 11, 25});
    if (two) b = loss(g, second, Ids{1, 4}, Ids{9, 8});
    g.backward(one && two ? engine::add(g, a, b) : one ? a : b);
    store.settle_gradients();
    return std::vector<float>(store.block().grad, store.block().grad + store.block().size);
  };
  const auto x = gradients(true, false), y = gradients(false, true), both = gradients(true, true);
  double worst = 0, largest = 0;
  for (size_t i = 0; i < both.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(both[i]) - x[i] - y[i]));
    largest = std::max(largest, std::abs(static_cast<double>(both[i])));
  }
  return worst / largest;
}

}  // namespace

TEST_CASE("a masked language model is called twice in one graph") {
  models::MaskedLm model(small("type=bert"));
  CHECK(difference(model, [&](engine::Graph& g, const engine::TokenBatch& b, const Ids& rows,
                              const Ids& labels) { return model.loss(g, b, rows, labels); }) <
        1e-5);
}

TEST_CASE("an ELECTRA with its generator is called twice in one graph") {
  models::ElectraPretraining model(small("type=electra,embedding=12"), 0.5);
  CHECK(difference(model, [&](engine::Graph& g, const engine::TokenBatch& b, const Ids& rows,
                              const Ids& labels) {
          return model.loss(g, b, rows, labels, 5, 11);
        }) < 1e-5);
}
