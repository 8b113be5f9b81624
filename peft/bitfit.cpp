// BitFit (Ben Zaken et al., ACL 2022): only the additive biases learn, and the head.
//
//   y = W x + (b + db),  db of the size of the output: no weight's gradient is computed, no input
//   of a linear layer is kept.
//
// All terms: every bias there is, those of the LayerNorms, of ELECTRA's embedding projection and of
// the pooler included, as the authors' code does; layers (7 d + f) biases, and 2 d for the
// embeddings' LayerNorm and the pooler (BERT-base: 102,912). The bias of the key does not move in
// exact arithmetic: it adds the same number to all scores of a query, and the softmax does not see
// it. With a prefix it does.
//
// The paper's terms have other names in the authors' code: ffn_in is its "intermediate", ffn_out
// and attention_output are both its "output" (a suffix that hits two layers), attention_norm and
// ffn_norm both its "output_layernorm".
#include <algorithm>

#include "engine/base/error.h"
#include "peft/registry.h"
#include "peft/strategy.h"

namespace peft {
namespace {

using engine::Parameter;

const std::vector<std::string> kTerms = {
    "query",          "key",      "value",      "attention_output", "ffn_in", "ffn_gate", "ffn_out",
    "attention_norm", "ffn_norm", "final_norm", "embedding_norm",   "pooler"};

class BitFit : public Strategy {
 public:
  explicit BitFit(const Options& options) {
    if (options.text("terms") == "all") return;
    terms_ = options.list("terms", kTerms);
    roles_ = roles_from_names(terms_);
  }

  std::string name() const override { return "bitfit"; }
  engine::Json options() const override {
    if (terms_.empty()) return {{"terms", "all"}};
    return {{"terms", terms_}};
  }
  double default_learning_rate() const override {
    return 1e-3;
  }  // the authors' code; the paper's grid is 1e-4 to 1e-3

  void inject(engine::Sites& sites) override { model_type_ = sites.model_type; }

  void check_marked(const std::vector<const Parameter*>& all) const override {
    const auto own = [](const Parameter* p) {
      return p->role != engine::Role::injected && p->role != engine::Role::head;
    };
    if (terms_.empty() && std::none_of(all.begin(), all.end(),
                                       [&](const Parameter* p) { return p->bias && own(p); })) {
      int64_t norms = 0;
      for (const Parameter* p : all)
        if (p->norm && own(p)) norms += p->count();
      engine::fail("bitfit", "this ", model_type_, " has no biases",
                   engine::hint("norm trains its normalisations (", norms,
                                " weights), ia3 and lora add a few of their own"));
    }
    for (const auto role : roles_)
      engine::check(std::any_of(all.begin(), all.end(),
                                [&](const Parameter* p) { return p->bias && p->role == role; }),
                    "bitfit", "the model has no bias for term ", engine::role_name(role),
                    engine::hint("leave it out of terms="));
  }

 protected:
  bool selects(const Parameter& p) const override {
    return p.bias && p.role != engine::Role::injected &&
           (terms_.empty() || std::find(roles_.begin(), roles_.end(), p.role) != roles_.end());
  }

 private:
  std::string model_type_;
  std::vector<std::string> terms_;  // empty: every bias, of whatever module
  std::vector<engine::Role> roles_;
};

}  // namespace

StrategyInfo bitfit_strategy() {
  return {
      "bitfit",
      "only biases are trained (Ben Zaken et al. 2022)",
      {{"terms", "all", "any of " + joined(kTerms) + ", joined with '+'"}},
      [](const Options& o) -> std::unique_ptr<Strategy> { return std::make_unique<BitFit>(o); }};
}

}  // namespace peft
