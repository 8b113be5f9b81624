// Folding what was injected into the base weights.
#include "tests/models/subject.h"

using namespace testing;

TEST_CASE("merged LoRA and IA3 compute the goldens' logits, with the goldens' weights") {
  for (const auto& model : kModels) {
    Worst worst("merged " + model);
    const auto batches = golden_batches(model);
    const Json golden = golden_json(model, "merged.json");
    CHECK(golden.size() >= 5);
    for (const Json& entry : golden) {
      const auto spec = entry["spec"].get<std::string>();
      CAPTURE(model);
      CAPTURE(spec);
      Subject subject(model, spec, {.golden_init = true});
      std::vector<Matrix> before;
      for (size_t b = 0; b < batches.size(); ++b) {
        before.push_back(subject.logits(batches[b]));
        CHECK(distance(before.back(), entry["unmerged_logits"][b]) < kClose);
      }
      subject.strategy->merge(*subject.store);
      for (size_t b = 0; b < batches.size(); ++b) {
        const Matrix after = subject.logits(batches[b]);
        worst.take(distance(after, entry["merged_logits"][b]));
        CHECK(distance(after, entry["merged_logits"][b]) < kClose);
        CHECK(distance(after, before[b]) < (kDouble ? 1e-12 : 1e-5));
      }
      size_t changed = 0;
      Subject base(model, "frozen");
      for (const engine::Parameter* p : base.store->all())
        if (!std::equal(p->value, p->value + p->count(), subject.at(p->name).value)) ++changed;
      CHECK(changed == entry["merged_parameters"].size());
      for (const auto& [name, wanted] : entry["merged_parameters"].items()) {
        const engine::Parameter& p = subject.at(name);
        double norm = 0, sum = 0;
        for (int64_t i = 0; i < p.count(); ++i) {
          norm += double(p.value[i]) * p.value[i];
          sum += p.value[i];
        }
        CHECK_MESSAGE(distance(std::sqrt(norm), wanted["norm"].get<double>()) < kClose, name);
        CHECK_MESSAGE(distance(sum, wanted["sum"].get<double>()) < 10 * kClose,
                      name);  // of 1024 to 2048 numbers
        for (size_t i = 0; i < wanted["first"].size(); ++i)
          CHECK_MESSAGE(distance(p.value[i], wanted["first"][i].get<double>()) < kClose, name);
      }
      // Twice is harmless: what was injected is neutral now.
      const Matrix once = subject.logits(batches[0]);
      subject.strategy->merge(*subject.store);
      CHECK(same_bits(subject.logits(batches[0]), once));
    }
  }
}

TEST_CASE("the merged model stands alone: its base weights in a model without the strategy") {
  for (const std::string spec :
       {"lora:r=4,alpha=8,roles=query+key+value+attention_output+ffn_in+ffn_out", "ia3",
        "lora:r=4,alpha=8+bitfit"}) {
    CAPTURE(spec);
    Subject subject("bert", spec, {.golden_init = true}), plain("bert", "full");
    subject.strategy->merge(*subject.store);
    for (engine::Parameter* p : plain.store->all())
      std::copy_n(subject.at(p->name).value, p->count(), p->value);
    const auto batch = golden_batches("bert")[1];
    CHECK(same_bits(plain.logits(batch), subject.logits(batch)));
  }
}

TEST_CASE("LoRA and IA3 at the same layers merge together") {
  // Not in the goldens: held to the unmerged model. IA3 scales the input that LoRA reads unscaled.
  for (const std::string spec :
       {"lora:r=4,roles=value+ffn_out+ffn_in+ia3:roles=value+ffn_in+ffn_out",
        "ia3:roles=value+ffn_in+ffn_out+lora:r=4,roles=value+ffn_out+ffn_in"}) {
    CAPTURE(spec);
    Subject subject("bert", spec);
    engine::Random random(3);
    for (engine::Parameter* p : subject.store->all())
      if (p->role == engine::Role::injected)
        for (int64_t i = 0; i < p->count(); ++i)
          p->value[i] += static_cast<Scalar>(0.2 * random.normal());
    const auto batch = golden_batches("bert")[0];
    const Matrix before = subject.logits(batch);
    const bool possible = subject.strategy->why_not_mergeable().empty();
    if (!possible) {
      CHECK_THROWS_AS(subject.strategy->merge(*subject.store), engine::Error);
      CHECK(same_bits(subject.logits(batch), before));
      continue;
    }
    subject.strategy->merge(*subject.store);
    CHECK(distance(subject.logits(batch), before) < (kDouble ? 1e-12 : 2e-5));
  }
}

TEST_CASE("merging what cannot be merged says why, and changes nothing") {
  for (const std::string spec : {"adapter:kind=houlsby,size=8", "adapter:kind=pfeiffer,size=8",
                                 "adapter:kind=parallel,size=8", "prefix:length=5,flat=true",
                                 "prefix:length=5,flat=false,hidden=16"}) {
    CAPTURE(spec);
    Subject subject("bert", spec, {.golden_init = true});
    const auto before = subject.values();
    const std::string message = message_of([&] { subject.strategy->merge(*subject.store); });
    CHECK(contains(message, "cannot be folded into the base weights"));
    CHECK(contains(message, subject.strategy->name()));
    CHECK(contains(message, "hint:"));
    CHECK(!subject.strategy->why_not_mergeable().empty());
    CHECK(subject.values() == before);
  }
}
