// Results do not depend on what shares the batch.
//
// Bit for bit they cannot be equal: BLAS takes other kernels for other numbers of rows, which sum
// in another order. So the tolerance is rounding: 1e-13 in double, 5e-6 in float, for logits of
// size 1.
#include "tests/models/subject.h"

using namespace testing;

namespace {
constexpr double kRounding = kDouble ? 1e-13 : 5e-6;
}

TEST_CASE("each sequence alone has the logits that it has in the batch, with every strategy") {
  for (const auto& model : kModels) {
    Worst worst("alone or packed " + model);
    for (const Json& entry : engine::json_file(golden("models/specs.json"))) {
      const auto spec = entry["spec"].get<std::string>();
      CAPTURE(model);
      CAPTURE(spec);
      Subject subject(model, spec, {.golden_init = true});
      for (const auto& batch : golden_batches(model)) {
        const Matrix packed = subject.logits(batch);
        for (int s = 0; s < batch.sequences(); ++s) {
          const Matrix alone = subject.logits(pick(batch, {s}));
          worst.take(distance(alone, Matrix(packed.row(s))));
        }
      }
    }
    CHECK(worst.value < kRounding);
  }
}

TEST_CASE("the order of sequences only permutes the logits") {
  for (const auto& model : kModels) {
    CAPTURE(model);
    Subject subject(model);
    const auto batch = golden_batches(model)[0];
    const std::vector<int> order = {3, 0, 4, 2, 1};
    const Matrix straight = subject.logits(batch), permuted = subject.logits(pick(batch, order));
    for (size_t i = 0; i < order.size(); ++i)
      CHECK(distance(Matrix(permuted.row(static_cast<int64_t>(i))),
                     Matrix(straight.row(order[i]))) < kRounding);
    CHECK(distance(subject.loss(pick(batch, order)), subject.loss(batch)) < kRounding);
  }
}

TEST_CASE("the gradient of a batch is the mean of its sequences' gradients") {
  for (const auto& model : kModels) {
    Worst worst("gradient of a batch " + model);
    for (const std::string spec : {"full", "prefix:length=5,flat=true"}) {
      CAPTURE(model);
      CAPTURE(spec);
      Subject subject(model, spec, {.golden_init = true});
      const auto batch = golden_batches(model)[1];
      std::vector<double> mean;
      for (int s = 0; s < batch.sequences(); ++s) {
        subject.backward(pick(batch, {s}));
        const auto g = subject.gradients();
        mean.resize(g.size());
        for (size_t i = 0; i < g.size(); ++i) mean[i] += double(g[i]) / batch.sequences();
      }
      subject.backward(batch);
      const auto g = subject.gradients();
      for (size_t i = 0; i < g.size(); ++i) worst.take(std::abs(g[i] - mean[i]));
    }
    CHECK(worst.value < kRounding);
  }
}

TEST_CASE("a sequence twice in a batch has the same logits twice") {
  Subject subject("bert");
  const auto batch = golden_batches("bert")[0];
  const Matrix twice = subject.logits(pick(batch, {2, 1, 2}));
  CHECK(distance(Matrix(twice.row(0)), Matrix(twice.row(2))) < kRounding);
}
