// LoRA (Hu et al. 2021): a frozen weight learns through an update of low rank.
//
//   y = W x + b + s B A dropout(x),   A (r, in) uniform as torch.nn.Linear, B (out, r) zero, s =
//   alpha / r,
//                                     or alpha / sqrt(r) with rslora (Kalajdzievski 2023)
//   merge: W += s B A. Afterwards B is zero, so the model with and without the update computes the
//   same.
//
// B = 0 makes the start a no-op bit for bit. r (in + out) parameters a layer; with query and value
// of BERT-base 294,912. The weight's gradient (in x out) is never computed; A's and B's cost r / in
// and r / out of it.
#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "engine/ops/linear.h"
#include "engine/tensor/gemm.h"
#include "peft/registry.h"
#include "peft/sites.h"
#include "peft/strategy.h"

namespace peft {
namespace {

using namespace engine;

const std::vector<std::string> kLoraRoles = {"query",  "key",      "value",   "attention_output",
                                             "ffn_in", "ffn_gate", "ffn_out", "pooler"};

class LoraHook : public LinearHook {
 public:
  LoraHook(const LinearSite& site, int64_t r, double scale, double dropout)
      : scale_(scale), dropout_(dropout), begin_(is_part(site) ? site.out_begin : -1) {
    declare(a, "lora_A.weight", {r, site.linear->in()}, Role::injected, site.layer,
            Init::kaiming_uniform);
    declare(b, "lora_B.weight", {site.out_end - site.out_begin, r}, Role::injected, site.layer,
            Init::zeros);
  }

  Tensor output(Graph& g, const Tensor& x, Tensor y) override {
    return low_rank_add(g, std::move(y), x, g.use(a), g.use(b), scale_, dropout_, begin_);
  }

  Parameter a, b;  // (r, in), (out, r)

 private:
  double scale_, dropout_;
  int64_t begin_;  // first column of y that the update is added to; -1: to all
};

class Lora : public Strategy {
 public:
  explicit Lora(const Options& o)
      : r_(o.integer("r", 1, 65536)),
        alpha_(o.number("alpha", 0, 1e9)),
        dropout_(o.number("dropout", 0, 0.99)),
        rslora_(o.flag("rslora")),
        biases_(o.choice("bias", {"none", "lora_only"}) == "lora_only") {
    o.exclusive("roles", "pattern");
    choice_.pattern = o.text("pattern");
    if (choice_.pattern.empty()) choice_.roles = o.list("roles", kLoraRoles);
    choice_.layers = o.layers("layers");
  }

  std::string name() const override { return "lora"; }

  Json options() const override {
    Json out = {{"r", r_},
                {"alpha", alpha_},
                {"dropout", dropout_},
                {"rslora", rslora_},
                {"bias", biases_ ? "lora_only" : "none"}};
    if (choice_.pattern.empty())
      out["roles"] = choice_.roles;
    else
      out["pattern"] = choice_.pattern;
    out["layers"] = choice_.layers.text();
    return out;
  }

  double default_learning_rate() const override {
    return 5e-4;
  }  // the paper's table 9: 4e-4 to 5e-4 for RoBERTa-base

  void inject(Sites& sites) override {
    for (const LinearSite& site : choose_linears(sites, choice_, "lora")) {
      auto hook = std::make_unique<LoraHook>(site, r_, scale(), dropout_);
      places_.push_back({site, hook.get()});
      site.linear->add_hook(std::move(hook), part_name(site));
    }
  }

  bool on_parts() const override {
    return std::any_of(places_.begin(), places_.end(),
                       [](const Place& place) { return is_part(place.site); });
  }

  std::vector<std::string> matched() const override {
    std::vector<std::string> paths;
    for (const auto& place : places_) paths.push_back(place.site.path);
    return paths;
  }

 protected:
  bool selects(const Parameter& p) const override {
    return p.role == Role::injected ||
           (biases_ && std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
              return &place.site.linear->bias == &p;
            }));
  }

  void fold(Side side, ParameterStore& store) override {
    if (side != Side::output) return;
    for (const auto& [site, hook] : places_) {
      Parameter& weight = site.linear->weight;
      const Tensor a(hook->a.shape, hook->a.value), b(hook->b.shape, hook->b.value);
      gemm(false, false, b, a, 1, writable(store, weight) + site.out_begin * weight.shape.cols,
           Work::forward, static_cast<Scalar>(scale()));
      std::fill_n(writable(store, hook->b), hook->b.count(), Scalar(0));
    }
  }

 private:
  double scale() const {
    return rslora_ ? alpha_ / std::sqrt(static_cast<double>(r_)) : alpha_ / static_cast<double>(r_);
  }

  struct Place {
    LinearSite site;
    LoraHook* hook;  // the layer owns it
  };
  int64_t r_;
  double alpha_, dropout_;
  bool rslora_, biases_;
  SiteChoice choice_;
  std::vector<Place> places_;
};

}  // namespace

StrategyInfo lora_strategy() {
  return {"lora",
          "a low-rank update beside frozen weights (Hu et al. 2021)",
          {{"r", "8", "rank"},
           {"alpha", "8", "the update is scaled by alpha / r (8 as in Hugging Face PEFT)"},
           {"dropout", "0", "of the update's input"},
           {"rslora", "false", "scale by alpha / sqrt(r) instead"},
           {"bias", "none", "lora_only: the biases of the same layers learn too"},
           {"roles", "query+value", "any of " + joined(kLoraRoles)},
           {"pattern", "", "instead of roles: a regular expression for the whole module path"},
           {"layers", "all", "for instance 0-3 or 0+2+5"}},
          [](const peft::Options& o) -> std::unique_ptr<Strategy> {
            return std::make_unique<Lora>(o);
          }};
}

}  // namespace peft
