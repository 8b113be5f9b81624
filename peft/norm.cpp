// LN-tuning (Qi et al. 2022; Zhao et al. 2023): only the normalisations learn, LayerNorms and
// RMSNorms alike, and the head. No weight's gradient is computed, and no input of a linear layer is
// saved. Hugging Face PEFT's LN_TUNING.
#include <re2/re2.h>

#include <algorithm>

#include "engine/base/error.h"
#include "peft/registry.h"
#include "peft/sites.h"
#include "peft/strategy.h"

namespace peft {
namespace {

using engine::Parameter;

const std::vector<std::string> kNormTerms = {"attention_norm", "ffn_norm", "final_norm",
                                             "embedding_norm"};

class NormTuning : public Strategy {
 public:
  explicit NormTuning(const Options& options) : pattern_(options.text("pattern")) {
    options.exclusive("terms", "pattern");
    if (!pattern_.empty()) regex_ = compile_pattern(pattern_, "norm");
    if (!pattern_.empty() || options.text("terms") == "all") return;
    terms_ = options.list("terms", kNormTerms);
    roles_ = roles_from_names(terms_);
  }

  std::string name() const override { return "norm"; }
  engine::Json options() const override {
    if (!pattern_.empty()) return {{"pattern", pattern_}};
    if (terms_.empty()) return {{"terms", "all"}};
    return {{"terms", terms_}};
  }
  double default_learning_rate() const override { return 1e-3; }  // as bitfit: vectors as small

  void inject(engine::Sites& sites) override {
    engine::check(sites.root != nullptr, "norm", "the sites have no root");
    sites.root->visit([&](Parameter& p) {
      const std::string path = p.name.substr(0, p.name.rfind('.'));
      if (selects(p) && (matched_.empty() || matched_.back() != path)) matched_.push_back(path);
    });
    engine::check(!matched_.empty(), "norm", "this ", sites.model_type,
                  " has no normalisation that is chosen by ", spec());
  }
  std::vector<std::string> matched() const override { return matched_; }

 protected:
  bool selects(const Parameter& p) const override {
    if (!p.norm || p.role == engine::Role::injected) return false;
    if (!pattern_.empty()) return re2::RE2::FullMatch(p.name.substr(0, p.name.rfind('.')), *regex_);
    return terms_.empty() || std::find(roles_.begin(), roles_.end(), p.role) != roles_.end();
  }

 private:
  std::string pattern_;
  std::shared_ptr<const re2::RE2> regex_;
  std::vector<std::string> terms_;  // empty: every normalisation
  std::vector<engine::Role> roles_;
  std::vector<std::string> matched_;
};

}  // namespace

StrategyInfo norm_strategy() {
  return {"norm",
          "only normalisations are trained (LN-tuning, Zhao et al. 2023)",
          {{"terms", "all", "any of " + joined(kNormTerms) + ", joined with '+'"},
           {"pattern", "", "instead of terms: a regular expression for the whole module path"}},
          [](const Options& o) -> std::unique_ptr<Strategy> {
            return std::make_unique<NormTuning>(o);
          }};
}

}  // namespace peft
