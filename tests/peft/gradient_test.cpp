// Gradients of what strategies add, against central differences (the double build), and the lesson
// of the key's bias.
#include "engine/autograd/gradcheck.h"
#include "tests/peft/support.h"

using namespace testing;

TEST_CASE("the gradient of the whole loss, by strategy") {
  // Smooth activations: a difference across relu's corner is no derivative.
  for (const std::string type : {"bert", "electra"})
    for (const std::string spec :
         {"lora:r=3,roles=query+key+value+attention_output+ffn_in+ffn_out",
          "adapter:kind=houlsby,size=5", "bitfit", "adapter:kind=pfeiffer,size=5,activation=tanh",
          "adapter:kind=pfeiffer,size=5,activation=swish,train_layer_norm=true",
          "adapter:kind=parallel,size=5,activation=gelu", "prefix:length=4,flat=true",
          "prefix:length=4,hidden=6", "ia3",
          "ia3:roles=query+key+value+attention_output+ffn_in+ffn_out", "lora+bitfit",
          "lora+ia3+prefix:length=2,flat=true+adapter:size=3", "lora:roles=embedding+query",
          "prompt:length=3", "norm", "lora:roles=embedding+prompt"}) {
      CAPTURE(type);
      CAPTURE(spec);
      Subject s(type, spec);
      s.shake(0.1);
      const std::vector<engine::Leaf*> leaves(s.store->trainable().begin(),
                                              s.store->trainable().end());
      const auto error = engine::directional_check(s.workspace, leaves,
                                                   [&](engine::Graph& g) { return s.loss(g); });
      CHECK_MESSAGE(error.relative < (kDouble ? 1e-7 : 2e-2), error.text());
      for (const Parameter* p : s.store->trainable())
        for (int64_t i = 0; i < p->count(); ++i) REQUIRE(std::isfinite(p->grad[i]));
    }
}

// DoRA takes its lengths as constants (the paper's section 4.3), so differences of A and B are not
// its gradients; those of what is below it, and of its magnitudes, are. With dropout.
TEST_CASE("the gradient through DoRA, and of its magnitudes") {
  for (const std::string dropout : {"0", "0.3"}) {
    CAPTURE(dropout);
    Subject s("bert", "lora:dora=true,roles=query+ffn_in+ffn_out,dropout=" + dropout + "+bitfit");
    s.shake(0.1);
    std::vector<engine::Leaf*> leaves;
    for (Parameter* p : s.store->trainable())
      if (p->role != Role::injected || p->name.ends_with("magnitude_vector")) leaves.push_back(p);
    engine::GradcheckOptions options;
    options.graph.dropout = true;
    options.graph.seed = 3;
    const auto error = engine::directional_check(
        s.workspace, leaves, [&](engine::Graph& g) { return s.loss(g); }, options);
    CHECK_MESSAGE(error.relative < (kDouble ? 1e-7 : 2e-2), error.text());
  }
}

// Scores of one query: q . (k_j + b) = q . k_j + q . b, the same number added to all of them, and
// softmax does not see it. The keys of a prefix have no such b, so there the number is added to
// some scores only.
TEST_CASE("the gradient of the key's bias is zero, unless there is a prefix") {
  const auto norm = [](Subject& s, const std::string& role) {
    double sum = 0;
    for (const Parameter* p : s.store->trainable())
      if (p->name.ends_with("self." + role + ".bias"))
        for (int64_t i = 0; i < p->count(); ++i)
          sum += static_cast<double>(p->grad[i]) * static_cast<double>(p->grad[i]);
    return std::sqrt(sum);
  };
  Subject without("bert", "bitfit");
  without.backward();
  CHECK(norm(without, "query") > 1e-3);
  CHECK(norm(without, "key") < (kDouble ? 1e-14 : 1e-6));

  Subject with("bert", "bitfit+prefix:length=4,flat=true,std=1");
  with.backward();
  CHECK(norm(with, "key") > 1e-3);
}

TEST_CASE("at the start B learns and A does not: dA = s (dy B)^T x = 0") {
  Subject s("bert", "lora");
  s.backward();
  for (const Parameter* p : s.store->trainable()) {
    if (p->role != Role::injected) continue;
    double sum = 0;
    for (int64_t i = 0; i < p->count(); ++i) sum += std::abs(static_cast<double>(p->grad[i]));
    if (p->name.ends_with("lora_A.weight"))
      CHECK_MESSAGE(sum == 0, p->name);
    else
      CHECK_MESSAGE(sum > 0, p->name);
  }
}
