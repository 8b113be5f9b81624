// A constant added to all scores of a query leaves its softmax as it is, so the bias of the key
// gets no gradient: BitFit's key biases never move. With a prefix, whose keys have no bias, they
// do.
#include "tests/models/subject.h"

using namespace testing;

namespace {

struct Sizes {
  double key = 0, query = 0;
};

Sizes bias_gradients(Subject& subject, const engine::TokenBatch& batch) {
  subject.backward(batch);
  Sizes sizes;
  for (const engine::Parameter* p : subject.store->trainable()) {
    if (!p->bias || (p->role != engine::Role::key && p->role != engine::Role::query)) continue;
    double& size = p->role == engine::Role::key ? sizes.key : sizes.query;
    for (int64_t i = 0; i < p->count(); ++i) size = std::max(size, std::abs(double(p->grad[i])));
  }
  return sizes;
}

}  // namespace

TEST_CASE("the key bias has no gradient, and has one with a prefix") {
  for (const auto& model : kModels) {
    Worst worst("key bias " + model);
    const auto batch = golden_batches(model)[0];
    for (const std::string spec : {"full", "bitfit", "bitfit+lora:r=4"}) {
      CAPTURE(model);
      CAPTURE(spec);
      Subject subject(model, spec);
      const Sizes sizes = bias_gradients(subject, batch);
      CHECK(sizes.query > 1e-3);
      CHECK(sizes.key < sizes.query * (kDouble ? 1e-14 : 1e-5));
      worst.take(sizes.key / sizes.query);
    }
    for (const std::string prefix : {"bitfit+prefix:length=5,flat=true,std=0.5",
                                     "bitfit+prefix:length=5,flat=false,hidden=16"}) {
      Subject subject(model, prefix);
      const Sizes sizes = bias_gradients(subject, batch);
      CHECK(sizes.key > 1e-2 * sizes.query);
    }
  }
}

TEST_CASE("the logits do not depend on the key bias") {
  for (const auto& model : kModels) {
    Subject subject(model);
    const auto batch = golden_batches(model)[0];
    const Matrix before = subject.logits(batch);
    for (engine::Parameter* p : subject.store->all())
      if (p->bias && p->role == engine::Role::key)
        for (int64_t i = 0; i < p->count(); ++i)
          p->value[i] += Scalar(0.5) * static_cast<Scalar>(i % 3);
    CHECK(distance(subject.logits(batch), before) < (kDouble ? 1e-13 : 5e-6));
  }
}
