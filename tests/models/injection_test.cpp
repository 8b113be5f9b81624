// Injection leaves the model as it was, and training touches nothing that is frozen.
#include "tests/models/trainer.h"

using namespace testing;

TEST_CASE("injecting is a no-op on the logits, bit for bit, but for a prefix") {
  for (const auto& model : kModels) {
    const auto batches = golden_batches(model);
    Subject plain(model, "full");
    for (const auto& spec : kStrategies) {
      CAPTURE(model);
      CAPTURE(spec);
      Subject subject(model, spec);
      const bool prefix = subject.strategy->name() == "prefix";
      for (const auto& batch : batches) {
        CHECK(same_bits(subject.logits(batch), plain.logits(batch)) == !prefix);
        CHECK((subject.loss(batch) == plain.loss(batch)) == !prefix);
      }
    }
  }
}

TEST_CASE("frozen bytes are unchanged after training steps, and trainable ones are not") {
  for (const auto& model : kModels) {
    const auto batches = golden_batches(model);
    for (const auto& spec : kStrategies) {
      CAPTURE(model);
      CAPTURE(spec);
      Subject subject(model, spec);
      const auto before = subject.values();
      auto run = golden_run(subject, golden_json("bert", "steps/full.json"));
      for (int t = 0; t < 3; ++t) run.step(batches[static_cast<size_t>(t) % batches.size()]);
      const auto after = subject.values();
      for (size_t i = 0; i < before.size(); ++i) {
        const engine::Parameter& p = *subject.store->all()[i];
        CHECK_MESSAGE((std::memcmp(before[i].data(), after[i].data(),
                                   before[i].size() * sizeof(Scalar)) == 0) == !p.trainable,
                      p.name);
      }
    }
  }
}

TEST_CASE("a fresh head and fresh modules depend on the seed and the name alone") {
  Subject a("bert", "lora:r=4", {.seed = 5}), b("bert", "lora:r=4+bitfit", {.seed = 5}),
      c("bert", "lora:r=4", {.seed = 6});
  const std::string name = "bert.encoder.layer.1.attention.self.value.lora_A.weight";
  CHECK(same_bits(engine::ConstMatrixMap(a.at(name).value, 4, 32),
                  engine::ConstMatrixMap(b.at(name).value, 4, 32)));
  CHECK(!same_bits(engine::ConstMatrixMap(a.at(name).value, 4, 32),
                   engine::ConstMatrixMap(c.at(name).value, 4, 32)));
}
