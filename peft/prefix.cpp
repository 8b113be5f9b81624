// Prefix tuning (Li and Liang 2021): `length` learned keys and values in front of every sequence,
// at every layer.
//
//   flat:   the table (length, 2 layers width) is the parameter, "prompt_embeddings"; slot 2i =
//   key, 2i+1 = value of layer i else:   table = W2 tanh(W1 E + b1) + b2, E (length, width), W1
//   (hidden, width), W2 (2 layers width, hidden): the paper
//           found the table itself hard to train. Names and sizes as PEFT's prefix_projection;
//           hidden 512 as the paper's code.
//
// The one strategy whose start is no no-op: the softmax runs over length more keys, and even keys
// and values of zero take their share of it. So a flat table begins small, N(0, std) with std 0.02;
// PEFT and AdapterHub draw N(0, 1). Nothing can be merged: keys and values that depend on no token
// belong to no weight.
#include "peft/prefix.h"

#include "engine/base/error.h"
#include "engine/nn/linear.h"
#include "engine/ops/elementwise.h"
#include "peft/registry.h"

namespace peft {

using namespace engine;

class PrefixHook : public KvHook {
 public:
  PrefixHook(int64_t length, int layers, int64_t width)
      : layers_(layers), width_(width), length_(length) {}

  int64_t length() const override { return length_; }

  // Slots 2 layer and 2 layer + 1 of the table.
  KeyValue slots(Graph& g, const Tensor& table, int layer) const {
    return {select_columns(g, table, 2 * layer * width_, width_),
            select_columns(g, table, (2 * layer + 1) * width_, width_)};
  }
  virtual Tensor table(Graph& g) = 0;

 protected:
  int layers_;
  int64_t width_, length_;
};

namespace {

class FlatPrefix : public PrefixHook {
 public:
  FlatPrefix(int64_t length, int layers, int64_t width, double std)
      : PrefixHook(length, layers, width) {
    declare(prompt, "prompt_embeddings", {length, 2 * layers * width}, Role::injected, -1);
    prompt.init_std = std;
  }
  Tensor table(Graph& g) override { return g.use(prompt); }
  KeyValue prefix(Graph& g, int layer) override { return slots(g, g.use(prompt), layer); }

  Parameter prompt;
};

class MlpPrefix : public PrefixHook {
 public:
  MlpPrefix(int64_t length, int layers, int64_t width, int64_t hidden)
      : PrefixHook(length, layers, width),
        first(*this, "prefix_encoder.transform.0", width, hidden, Role::injected, -1),
        second(*this, "prefix_encoder.transform.2", hidden, 2 * layers * width, Role::injected,
               -1) {
    declare(embedding, "prefix_encoder.embedding.weight", {length, width}, Role::injected, -1);
    embedding.init_std = 1;  // torch.nn.Embedding
    first.weight.init = second.weight.init = Init::kaiming_uniform;
  }

  Tensor table(Graph& g) override {
    return second(g, first(g, g.use(embedding), Activation::tanh));
  }

  // The MLP runs once a step. Its result is kept until the last layer has read it (no longer: its
  // storage belongs to the graph's workspace), and a parameter's stamp tells a new graph from the
  // one that made it.
  KeyValue prefix(Graph& g, int layer) override {
    const uint64_t before = embedding.graph;
    g.use(embedding);
    if (!table_ || embedding.graph != before) table_ = table(g);
    KeyValue kv = slots(g, table_, layer);
    if (layer == layers_ - 1) table_ = Tensor();
    return kv;
  }

  Parameter embedding;
  Linear first, second;

 private:
  Tensor table_;
};

}  // namespace

Prefix::Prefix(const Options& o) : length_(o.integer("length", 1, 1 << 20)), flat_(o.flag("flat")) {
  check(!flat_ || !o.given("hidden"), "prefix",
        "hidden= is the width of the MLP, and flat=true has none");
  check(flat_ || !o.given("std"), "prefix",
        "std= is the spread of a flat table's first values, and flat=false draws the MLP's",
        hint("add flat=true"));
  if (flat_)
    std_ = o.number("std", 0, 100);
  else
    hidden_ = o.integer("hidden", 1, 1 << 20);
}

Json Prefix::options() const {
  Json out = {{"length", length_}, {"flat", flat_}};
  if (flat_)
    out["std"] = std_;
  else
    out["hidden"] = hidden_;
  return out;
}

// Flat tables need large steps (PEFT's examples and P-tuning v2 use about 1e-2); the MLP spreads a
// step over the table, and lies between the paper's 5e-5 (GPT-2) and t-few's 1e-2 (T5).
double Prefix::default_learning_rate() const { return flat_ ? 1e-2 : 1e-3; }

void Prefix::inject(Sites& sites) {
  const KvSite& site = sites.kv;
  check(site.layers() > 0 && sites.root, "prefix", "this ", sites.model_type,
        " has no place for a prefix");
  check(!site.hook(), "prefix", "this model has a prefix already");
  for (const KvPoint* point : site.points)
    check(point->width == site.width(), "prefix", "the keys of this ", sites.model_type, " are ",
          site.width(), " wide in one layer and ", point->width,
          " in another; one table has one width");
  std::unique_ptr<PrefixHook> hook;
  if (flat_)
    hook = std::make_unique<FlatPrefix>(length_, site.layers(), site.width(), std_);
  else
    hook = std::make_unique<MlpPrefix>(length_, site.layers(), site.width(), hidden_);
  hook_ = &sites.root->adopt(std::move(hook), "");
  for (int i = 0; i < site.layers(); ++i) site.points[static_cast<size_t>(i)]->set_hook(hook_, i);
}

Matrix Prefix::table() const {
  check(hook_ != nullptr, "prefix", "there is no table before inject()");
  Workspace workspace;
  GraphOptions options;
  options.record = false;
  Graph g(workspace, options);
  return hook_->table(g).mat();
}

StrategyInfo prefix_strategy() {
  return {"prefix",
          "learned keys and values in front of every sequence (Li and Liang 2021)",
          {{"length", "20", "how many"},
           {"flat", "false", "true: learn the table itself; false: an MLP makes it"},
           {"hidden", "512", "width of the MLP, if not flat"},
           {"std", "0.02", "spread of a flat table's first values"}},
          [](const peft::Options& o) -> std::unique_ptr<Strategy> {
            return std::make_unique<Prefix>(o);
          }};
}

}  // namespace peft
