// Bottleneck adapters: two small layers with an activation between, beside or behind a sub-layer.
//
//   f(x) = U act(D x + c) + e,   D (size, hidden), U (hidden, size)
//   h is the output of a sub-layer, x its input; both before the residual sum and the LayerNorm
//   that follow, LN(h + x)
//
//   houlsby   (Houlsby et al. 2019)             after attention and after ffn:   h + f(h), gelu
//   pfeiffer  (Pfeiffer et al. 2021, seq_bn)    after ffn:                       h + f(LN(h + x)),
//   relu parallel  (He et al. 2022, par_bn)          beside ffn:                      h + scaling
//   f(x),    relu
//
// pfeiffer's LN is the layer's own, used twice, as AdapterHub does with original_ln_before and
// _after. D is drawn from N(0, 0.01) with houlsby and pfeiffer and as torch.nn.Linear with parallel
// (AdapterHub's "mam_adapter"); U, c and e are 0, so the start is a no-op bit for bit (AdapterHub
// draws U too, its start is a near one). Houlsby's code also trains every LayerNorm, AdapterHub
// does not: train_layer_norm says. Nothing can be merged: an activation stands between D and U.
#include <algorithm>

#include "engine/base/error.h"
#include "engine/nn/linear.h"
#include "engine/ops/elementwise.h"
#include "peft/registry.h"
#include "peft/stack_set.h"
#include "peft/strategy.h"

namespace peft {
namespace {

using namespace engine;

enum class Kind { houlsby, pfeiffer, parallel };

class AdapterHook : public PointHook {
 public:
  AdapterHook(Kind kind, int64_t width, int64_t size, int layer, Activation act, double scaling)
      : down(*this, "down", width, size, Role::injected, layer),
        up(*this, "up", size, width, Role::injected, layer),
        kind_(kind),
        act_(act),
        scaling_(static_cast<Scalar>(scaling)) {
    down.weight.init = kind == Kind::parallel ? Init::kaiming_uniform : Init::normal;
    down.weight.init_std = 0.01;
    up.weight.init = Init::zeros;
  }

  Tensor apply(Graph& g, const SubLayer& sub) override {
    switch (kind_) {
      case Kind::houlsby:
        return add(g, f(g, sub.out), sub.out);
      case Kind::pfeiffer:
        return add(g, f(g, sub.sum(g)), sub.out);
      case Kind::parallel:
        return add(g, scale(g, f(g, sub.in), scaling_), sub.out);
    }
    return sub.out;
  }

  Linear down, up;

 private:
  Tensor f(Graph& g, const Tensor& x) { return up(g, down(g, x, act_)); }

  Kind kind_;
  Activation act_;
  Scalar scaling_;
};

class Adapter : public Strategy {
 public:
  explicit Adapter(const Options& o) {
    kind_name_ = o.choice("kind", {"houlsby", "pfeiffer", "parallel"});
    kind_ = kind_name_ == "houlsby"    ? Kind::houlsby
            : kind_name_ == "pfeiffer" ? Kind::pfeiffer
                                       : Kind::parallel;
    o.exclusive("size", "reduction");
    if (o.given("size"))
      size_ = o.integer("size", 1, 1 << 20);
    else
      reduction_ = o.given("reduction")      ? o.number("reduction", 0.01, 1e6)
                   : kind_ == Kind::parallel ? 2
                                             : 16;
    activation_ =
        o.given("activation")
            ? o.choice("activation", {"gelu", "gelu_new", "relu", "silu", "swish", "tanh"})
        : kind_ == Kind::houlsby ? "gelu"
                                 : "relu";
    check(!o.given("scaling") || kind_ == Kind::parallel, "adapter",
          "scaling= is for kind=parallel, not for kind=", kind_name_);
    if (kind_ == Kind::parallel) scaling_ = o.given("scaling") ? o.number("scaling", 0, 1e6) : 4;
    train_layer_norm_ = o.flag("train_layer_norm");
    layers_ = o.layers("layers");
    stacks_ = StackSet(o);
  }

  std::string name() const override { return "adapter"; }

  Json options() const override {
    Json out = {{"kind", kind_name_}};
    if (size_ > 0)
      out["size"] = size_;
    else
      out["reduction"] = reduction_;
    out["activation"] = activation_;
    if (kind_ == Kind::parallel) out["scaling"] = scaling_;
    out["train_layer_norm"] = train_layer_norm_;
    out["layers"] = layers_.text();
    stacks_.add_to(out);
    return out;
  }

  double default_learning_rate() const override {
    return 3e-4;
  }  // adapter-bert's; the paper's grid is 3e-5 to 3e-3

  void inject(Sites& sites) override {
    layers_.check_within(sites.layers, "adapter");
    stacks_.check_fits(sites.decoder_layers, "adapter");
    const Activation act = activation_from_name(activation_);
    for (PointSite& site : sites.points) {
      if (!layers_.contains(site.layer) || !stacks_.contains(site.stack, site.attention) ||
          (site.point == Point::after_attention && kind_ != Kind::houlsby))
        continue;
      const int64_t size =
          size_ > 0 ? size_ : static_cast<int64_t>(static_cast<double>(site.width) / reduction_);
      check(size > 0, "adapter", "reduction=", reduction_, " of width ", site.width,
            " leaves nothing", hint("give size= instead"));
      auto hook = std::make_unique<AdapterHook>(kind_, site.width, size, site.layer, act, scaling_);
      site.hook_point->add_hook(std::move(hook), "adapter");
      matched_.push_back(site.path);
    }
    check(!matched_.empty(), "adapter", "this ", sites.model_type, " has no place for adapters");
  }

  std::vector<std::string> matched() const override { return matched_; }

  std::string why_not_mergeable() const override {
    return "an adapter has an activation between its two layers";
  }

 protected:
  bool selects(const Parameter& p) const override {
    return p.role == Role::injected || (train_layer_norm_ && p.norm);
  }

 private:
  std::string kind_name_, activation_;
  Kind kind_;
  int64_t size_ = 0;  // 0: from reduction
  double reduction_ = 0, scaling_ = 1;
  bool train_layer_norm_;
  LayerSet layers_;
  StackSet stacks_;
  std::vector<std::string> matched_;
};

}  // namespace

StrategyInfo adapter_strategy() {
  return {
      "adapter",
      "small layers between the frozen ones (Houlsby et al. 2019)",
      {{"kind", "houlsby", "houlsby, pfeiffer (after ffn only) or parallel (beside ffn)"},
       {"size", "", "width of the bottleneck"},
       {"reduction", "", "instead of size: width / reduction (16; parallel 2)"},
       {"activation", "", "gelu, gelu_new, relu, swish or tanh (houlsby gelu, the others relu)"},
       {"scaling", "", "parallel only: factor of what is added (4)"},
       {"train_layer_norm", "false", "train every LayerNorm too, as Houlsby's code does"},
       {"layers", "all", "for instance 0-3 or 0+2+5"},
       StackSet::option()},
      [](const peft::Options& o) -> std::unique_ptr<Strategy> {
        return std::make_unique<Adapter>(o);
      }};
}

}  // namespace peft
