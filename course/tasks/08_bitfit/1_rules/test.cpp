#include "course/lib/check.h"
#include "engine/base/counters.h"
#include "engine/nn/parameter_store.h"
#include "engine/optim/sgd.h"
#include "models/classifier.h"
#include "peft/strategy.h"
#include "task.h"

using namespace engine;

namespace {

using Rule = std::function<bool(const Parameter&)>;

struct Subject {
  models::SequenceClassifier model{models::config_from_spec(
      "random:layers=3,hidden=16,heads=2,ffn=32,positions=16,dropout=0", 50)};
};

int64_t marked(const Rule& rule) {
  Subject s;
  int64_t count = 0;
  s.model.visit([&](Parameter& p) { count += rule(p) ? p.count() : 0; });
  return count;
}

// What the project's own strategy says, parameter by parameter.
void compare(course::Test& t, const Rule& rule, const char* spec) {
  Subject s;
  Sites sites = s.model.sites();
  const auto strategy = peft::make_strategy(spec);
  peft::apply(*strategy, sites, s.model);
  s.model.visit([&](Parameter& p) {
    const bool got = rule(p);
    const std::string what = p.name + " (role " + role_name(p.role) + ", layer " +
                             std::to_string(p.layer) + (p.bias ? ", a bias" : "") +
                             (p.norm ? ", of a norm" : "") + ")";
    std::string hint;
    if (p.role == Role::head) hint = "; the head learns with every strategy";
    if (p.role != Role::head && p.bias && p.norm) hint = "; the biases of norms are biases, too";
    t.require(got == p.trainable,
              what + (got ? " learns, and must not" : " does not learn, and must") + hint);
  });
}

// Trains a step, and looks at what has moved.
void moves_only(course::Test& t, const Rule& rule) {
  Subject s;
  s.model.visit([&](Parameter& p) { p.trainable = rule(p); });
  ParameterStore store(s.model);
  store.allocate();
  store.initialise(1);
  std::map<std::string, std::vector<Scalar>> before;
  for (const Parameter* p : store.all()) before[p->name].assign(p->value, p->value + p->count());
  TokenBatch batch;
  batch.ids = {1, 2, 3, 4, 5};
  batch.types = {0, 0, 0, 0, 0};
  batch.segments.add(3);
  batch.segments.add(2);
  batch.labels = {0, 1};
  Workspace workspace;
  Sgd optimizer(store.block());
  counters() = {};
  Graph g(workspace);
  store.clear_gradients();
  g.backward(s.model.loss(g, s.model.logits(g, batch), batch));
  store.settle_gradients();
  optimizer.step(0.1);
  int moved = 0;
  for (const Parameter* p : store.all()) {
    const bool same = std::equal(p->value, p->value + p->count(), before[p->name].begin());
    t.require(same || p->trainable, p->name + " is frozen and has moved");
    moved += !same;
  }
  t.require(moved > 2, "only " + std::to_string(moved) + " parameters moved");
  bool weights = false;  // of linear layers, beside the head's
  s.model.visit([&](Parameter& p) {
    weights = weights || (p.trainable && !p.bias && !p.norm && p.role != Role::head);
  });
  if (!weights)
    t.equal("products for weights' gradients (the head's alone)",
            double(counters().weight_gradient.calls), 1);
}

}  // namespace

int main() {
  course::Test t = course::test("A strategy is a rule");
  const Rule query_ffn = task::bitfit_query_ffn_in;
  const Rule top1 = [](const Parameter& p) { return task::top_layers(p, 1, 3); };

  t.check("BitFit, parameter by parameter", [&] { compare(t, task::bitfit, "bitfit"); });
  t.check("BitFit: as many as the formula says", [&] {
    t.equal("parameters", double(marked(task::bitfit)), 3 * (7 * 16 + 32) + 2 * 16 + 2 * 16 + 2);
  });
  t.check("two terms", [&] {
    compare(t, query_ffn, "bitfit:terms=query+ffn_in");
    t.equal("parameters", double(marked(query_ffn)), 3 * (16 + 32) + 2 * 16 + 2);
  });
  t.check("the top layers", [&] {
    compare(t, top1, "top:layers=1");
    compare(
        t, [](const Parameter& p) { return task::top_layers(p, 2, 3); }, "top:layers=2");
    compare(
        t, [](const Parameter& p) { return task::top_layers(p, 3, 3); }, "top:layers=3");
  });
  t.check("after a training step, only what learns has moved", [&] {
    moves_only(t, task::bitfit);
    moves_only(t, query_ffn);
    moves_only(t, top1);
  });
  return t.result();
}
