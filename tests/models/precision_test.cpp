// Weights held as BF16, and products of BF16 values (engine/nn/precision.h).
#include <cmath>
#include <cstring>

#include "engine/io/checkpoint.h"
#include "engine/tensor/half_gemm.h"
#include "engine/train/step_cost.h"
#include "tests/models/trainer.h"

using namespace testing;
using engine::Precision;

namespace {

// In force while it lives.
struct With {
  explicit With(Precision precision) { engine::set_precision(precision); }
  ~With() { engine::set_precision(Precision::fp32); }
};

const std::vector<std::string> kSome = {"bitfit",
                                        "top:layers=1",
                                        "lora:r=4,alpha=8",
                                        "lora:r=4,alpha=8,dora=true",
                                        "adapter:kind=houlsby,size=8",
                                        "prefix:length=5,flat=true",
                                        "ia3",
                                        "full"};

// Overwrites the values of `to` with those of `from`, widened where they are held as BF16.
void copy_values(const Subject& from, Subject& to) {
  for (size_t i = 0; i < from.store->all().size(); ++i) {
    engine::Parameter &a = *from.store->all()[i], &b = *to.store->all()[i];
    REQUIRE(a.name == b.name);
    Scalar* own = to.store->own(b);
    for (int64_t r = 0; r < a.shape.rows; ++r) a.read_row(r, own + r * a.shape.cols);
  }
}

double cosine(const Matrix& a, const Matrix& b) {
  const double norms = static_cast<double>(a.norm()) * static_cast<double>(b.norm());
  return norms == 0 ? 1 : static_cast<double>(a.cwiseProduct(b).sum()) / norms;
}

// 64 wide: products large enough to take the paths of large ones.
std::string random_model(const std::string& type) {
  return "random:layers=2,hidden=64,heads=4,ffn=256,vocab=100,embedding=32,type=" + type;
}

}  // namespace

TEST_CASE("weights held as BF16 give what floats of the same values give") {
  for (const auto& model : kModels)
    for (const auto& spec : kSome) {
      CAPTURE(model);
      CAPTURE(spec);
      const auto batch = random_batch(6, 11, 100, 2);
      const With held(Precision::bf16_weights);
      Subject half(random_model(model), spec);
      engine::set_precision(Precision::fp32);
      Subject wide(random_model(model), spec);
      copy_values(half, wide);
      int64_t held_count = 0;
      for (const engine::Parameter* p : half.store->all()) {
        CHECK((p->value != nullptr) != static_cast<bool>(p->half));
        CHECK((p->half.data == nullptr || (!p->trainable && p->may_be_half)));
        held_count += p->half ? p->count() : 0;
      }
      CHECK((held_count > 0) == (spec != "full"));
      CHECK(distance(half.logits(batch), wide.logits(batch)) < kClose);
      CHECK(half.backward(batch) == doctest::Approx(wide.backward(batch)).epsilon(kClose));
      for (const engine::Parameter* p : half.store->trainable()) {
        CAPTURE(p->name);
        CHECK(distance(half.gradient(p->name), wide.gradient(p->name)) < kClose);
      }
    }
}

TEST_CASE("products of BF16 values: the gradients point where those of floats do") {
  Worst worst("1 - cosine of a parameter's gradient, bf16 and fp32");
  for (const auto& model : kModels)
    for (const auto& spec : kSome) {
      CAPTURE(model);
      CAPTURE(spec);
      const auto batch = random_batch(16, 12, 100, 2);
      Subject wide(random_model(model), spec);
      const With products(Precision::bf16);
      Subject half(random_model(model), spec);
      CHECK(half.backward(batch) == doctest::Approx(wide.backward(batch)).epsilon(0.01));
      for (const engine::Parameter* p : half.store->trainable()) {
        // The key bias has no gradient but rounding.
        if (p->role == engine::Role::key && p->bias) continue;
        const Matrix a = half.gradient(p->name), b = wide.gradient(p->name);
        CAPTURE(p->name);
        CHECK(cosine(a, b) > 0.995);
        worst.take(1 - cosine(a, b));
      }
    }
}

TEST_CASE("bf16: what full training keeps of the inputs of linear layers is half") {
  const auto batch = random_batch(16, 12, 100, 2);
  Subject wide(random_model("bert"), "full");
  const auto kept = [&](Subject& subject) {
    const int64_t before = engine::counters().saved_bytes;
    subject.backward(batch);
    return engine::counters().saved_bytes - before;
  };
  const int64_t floats = kept(wide);
  const With products(Precision::bf16);
  Subject half(random_model("bert"), "full");
  CHECK(kept(half) < floats);
}

TEST_CASE("bf16: the copies of trained weights follow every update") {
  const auto batch = random_batch(8, 9, 100, 2);
  const With products(Precision::bf16);
  Subject subject(random_model("bert"), "full");
  Training training(subject, 1e-2);
  for (int i = 0; i < 2; ++i) training.step(batch);
  for (const engine::Parameter* p : subject.store->trainable()) {
    if (!p->half) continue;
    std::vector<engine::BFloat16> again(static_cast<size_t>(p->count()));
    engine::narrow(p->value, p->count(), again.data());
    CAPTURE(p->name);
    CHECK(std::memcmp(again.data(), p->half.data, again.size() * sizeof again[0]) == 0);
  }
}

TEST_CASE("bf16: training lowers the loss as fp32 does") {
  const auto batch = random_batch(16, 12, 100, 2);
  for (const std::string spec : {"full", "lora:r=4,alpha=8"}) {
    CAPTURE(spec);
    const auto losses = [&](Precision precision) {
      const With with(precision);
      Subject subject(random_model("bert"), spec);
      Training training(subject, spec == "full" ? 1e-3 : 1e-2);
      std::vector<double> out;
      for (int i = 0; i < 10; ++i) out.push_back(training.step(batch).loss);
      return out;
    };
    const auto wide = losses(Precision::fp32), half = losses(Precision::bf16);
    CHECK(wide.back() < 0.9 * wide.front());
    for (size_t i = 0; i < wide.size(); ++i)
      CHECK(half[i] == doctest::Approx(wide[i]).epsilon(0.03));
  }
}

TEST_CASE("bf16: a dry run counts what a step computes, keeps and holds") {
  const auto batch = random_batch(6, 11, 100, 2);
  for (const Precision precision : {Precision::bf16_weights, Precision::bf16})
    for (const auto& spec : kSome) {
      if (spec.find("dora") != std::string::npos) continue;  // its start reads values
      CAPTURE(spec);
      const With with(precision);
      const auto source = models::open_model(random_model("bert"));
      models::SequenceClassifier model(source.config);
      const auto strategy = peft::make_strategy(spec);
      auto sites = model.sites();
      peft::apply(*strategy, sites, model);
      const engine::StepCost cost = engine::cost_of_step(
          model, batch, 0, false, [&](engine::Graph& g, const engine::TokenBatch& b) {
            return model.loss(g, model.logits(g, b), b);
          });
      Subject subject(random_model("bert"), spec);
      subject.workspace.pool.reset_peak();
      const engine::Counters before = engine::counters();
      subject.backward(batch);
      const engine::Counters done = engine::counters().since(before);
      CHECK(cost.flops() == done.flops());
      CHECK(cost.saved_bytes == done.saved_bytes);
      CHECK(cost.pool_bytes == subject.workspace.pool.peak_bytes());
      CHECK(cost.weight_bytes == subject.store->held_bytes());
    }
}

TEST_CASE("an adapter is folded into weights that are held as BF16") {
  const auto batch = random_batch(6, 11, 100, 2);
  const With held(Precision::bf16_weights);
  Subject subject(random_model("bert"), "lora:r=4,alpha=8");
  Training training(subject, 1e-2);
  for (int i = 0; i < 3; ++i) training.step(batch);
  const Matrix before = subject.logits(batch);
  subject.strategy->merge(*subject.store);
  CHECK(distance(subject.logits(batch), before) < 1e-4);  // without rounding the sums to BF16
}

TEST_CASE("a BF16 checkpoint is multiplied where it is mapped") {
  const TempDir dir;
  {
    Subject subject(random_model("bert"));
    models::save_classifier(dir / "model", *subject.model, *subject.store, engine::DType::BF16);
  }
  const With held(Precision::bf16_weights);
  Subject subject((dir / "model").string(), "bitfit");
  int64_t weights = 0;
  for (const engine::Parameter* p : subject.store->all()) weights += p->half ? 2 * p->count() : 0;
  CHECK(weights > 0);
  CHECK(subject.report.borrowed_bytes == weights);
}
