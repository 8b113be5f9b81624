// A strategy in one file: factors for what linear layers read, y = W (l * x) + b.
//
// l = 1 makes the start a no-op. merge: W[:, j] *= l[j], and l = 1.
#include "peft/strategy.h"

#include "engine/ops/elementwise.h"
#include "peft/registry.h"
#include "peft/sites.h"
#include "tests/toys/toys.h"

namespace {

const std::vector<std::string> kGainRoles = {"query",  "key",      "value",  "attention_output",
                                             "ffn_in", "ffn_gate", "ffn_out"};

std::vector<std::string> gain_defaults(const std::string& model_type) {
  return {"query", "value", "ffn_in"};
}

class GainHook : public engine::LinearHook {
 public:
  explicit GainHook(const engine::LinearSite& site) {
    declare(factors, "gain", {1, site.linear->in()}, engine::Role::injected, site.layer,
            engine::Init::ones);
  }
  engine::Tensor input(engine::Graph& g, engine::Tensor x) override {
    return engine::column_scale(g, x, g.use(factors));
  }
  engine::Parameter factors;  // (1, in)
};

class Gain : public peft::Strategy {
 public:
  explicit Gain(const peft::Options& options) : choice_(options, kGainRoles, gain_defaults) {}

  std::string name() const override { return "gain"; }
  engine::Json options() const override {
    auto out = engine::Json::object();
    choice_.add_to(out);
    return out;
  }
  double default_learning_rate() const override { return 1e-2; }

  void inject(engine::Sites& sites) override {
    for (const engine::LinearSite& site : choice_.choose(sites, "gain").linears) {
      auto hook = std::make_unique<GainHook>(site);
      places_.push_back({site.linear, hook.get()});
      site.linear->add_hook(std::move(hook));
    }
  }

 protected:
  bool selects(const engine::Parameter& p) const override {
    return p.role == engine::Role::injected;
  }
  void fold(Side side, engine::ParameterStore& store) override {
    if (side != Side::input) return;
    for (const auto& [linear, hook] : places_) {
      engine::Scalar* l = peft::writable(store, hook->factors);
      engine::Scalar* w = peft::writable(store, linear->weight);
      for (int64_t i = 0; i < linear->weight.count(); ++i) w[i] *= l[i % linear->in()];
      std::fill_n(l, linear->in(), engine::Scalar(1));
    }
  }

 private:
  peft::SiteChoice choice_;
  std::vector<std::pair<engine::Linear*, GainHook*>> places_;  // a layer owns its hook
};

}  // namespace

std::string toys::strategy() {
  static const bool added = [] {
    peft::add_strategy({"gain", "factors for what linear layers read",
                        peft::SiteChoice::options("query+value+ffn_in", kGainRoles),
                        [](const peft::Options& o) -> std::unique_ptr<peft::Strategy> {
                          return std::make_unique<Gain>(o);
                        }});
    return true;
  }();
  engine::check(added, "toys", "the strategy is not known");
  return "gain";
}
