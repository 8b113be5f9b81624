// IA3 (Liu et al. 2022): learned factors rescale inner activations.
//
//   query, key, value, ffn_in:    y = l * (W x + b),  l (out, 1)      merge: W[i, :] *= l[i], b[i]
//   *= l[i] attention_output, ffn_out:    y = W (l * x) + b,  l (1, in)       merge: W[:, j] *=
//   l[j]
//
// l = 1 makes the start a no-op bit for bit. The paper rescales keys, values and the hidden layer
// of the feed-forward, which is the input of ffn_out; Hugging Face PEFT's default for BERT also
// rescales the input of attention_output, since its suffix "output.dense" hits both. PEFT calls the
// layers whose input is rescaled feedforward_modules.
#include "engine/base/error.h"
#include "engine/ops/elementwise.h"
#include "peft/registry.h"
#include "peft/sites.h"
#include "peft/strategy.h"

namespace peft {
namespace {

using namespace engine;

const std::vector<std::string> kIa3Roles = {"query",  "key",      "value",  "attention_output",
                                            "ffn_in", "ffn_gate", "ffn_out"};

// PEFT's targets for decoders and DeBERTa; the paper's for BERT and its family, where PEFT's
// "output.dense" also hits attention.output.dense.
std::vector<std::string> ia3_defaults(const std::string& type) {
  if (type == "gpt2" || type == "modernbert") return {"query", "key", "value", "ffn_out"};
  if (type == "qwen2" || type == "qwen3") return {"query", "value", "ffn_out"};
  if (type == "deberta-v2") return {"key", "value", "attention_output", "ffn_out"};
  return {"key", "value", "ffn_out"};
}

bool scales_input(Role role) { return role == Role::attention_output || role == Role::ffn_out; }

class Ia3Hook : public LinearHook {
 public:
  explicit Ia3Hook(const LinearSite& site) : on_input(scales_input(site.role)) {
    const std::vector<int64_t> dims = on_input ? std::vector<int64_t>{1, site.linear->in()}
                                               : std::vector<int64_t>{site.linear->out(), 1};
    declare(l, "ia3_l", dims, Role::injected, site.layer, Init::ones);
  }

  Tensor input(Graph& g, Tensor x) override { return on_input ? column_scale(g, x, g.use(l)) : x; }
  Tensor output(Graph& g, const Tensor&, Tensor y) override {
    return on_input ? y : column_scale(g, y, g.use(l));
  }

  const bool on_input;
  Parameter l;  // (1, in) or (out, 1)
};

class Ia3 : public Strategy {
 public:
  explicit Ia3(const Options& o) : choice_(o, kIa3Roles, ia3_defaults) {}

  std::string name() const override { return "ia3"; }

  Json options() const override {
    Json out = Json::object();
    choice_.add_to(out);
    return out;
  }
  Json settled_options() const override {
    Json out = options();
    choice_.settle(out);
    return out;
  }

  double default_learning_rate() const override { return 3e-3; }  // the authors' t-few

  void inject(Sites& sites) override {
    for (const LinearSite& site : choice_.choose(sites, "ia3").linears) {
      check(!is_part(site), "ia3", site.path, " is columns ", site.out_begin, " to ", site.out_end,
            " of a fused layer with ", site.linear->out(), ", which ia3 cannot use yet",
            hint("choose all of its roles"));
      auto hook = std::make_unique<Ia3Hook>(site);
      places_.push_back({site, hook.get()});
      site.linear->add_hook(std::move(hook));
    }
  }

  std::vector<std::string> matched() const override {
    std::vector<std::string> paths;
    for (const auto& place : places_) paths.push_back(place.site.path);
    return paths;
  }

 protected:
  bool selects(const Parameter& p) const override { return p.role == Role::injected; }

  void fold(Side side, ParameterStore& store) override {
    for (const auto& [site, hook] : places_) {
      if (hook->on_input != (side == Side::input)) continue;
      Linear& linear = *site.linear;
      const int64_t in = linear.in(), out = linear.out();
      Scalar* l = writable(store, hook->l);
      Scalar* w = writable(store, linear.weight);
      for (int64_t i = 0; i < out; ++i)
        for (int64_t j = 0; j < in; ++j) w[i * in + j] *= hook->on_input ? l[j] : l[i];
      if (!hook->on_input && linear.has_bias) {
        Scalar* b = writable(store, linear.bias);
        for (int64_t i = 0; i < out; ++i) b[i] *= l[i];
      }
      std::fill_n(l, hook->l.count(), Scalar(1));
    }
  }

 private:
  struct Place {
    LinearSite site;
    Ia3Hook* hook;  // the layer owns it
  };
  SiteChoice choice_;
  std::vector<Place> places_;
};

}  // namespace

StrategyInfo ia3_strategy() {
  return {
      "ia3", "factors that rescale inner activations (Liu et al. 2022)",
      SiteChoice::options("key+value+ffn_out, or PEFT's for a decoder", kIa3Roles),
      [](const peft::Options& o) -> std::unique_ptr<Strategy> { return std::make_unique<Ia3>(o); }};
}

}  // namespace peft
