// A model is called twice in one graph: the gradients are the sum of those of two graphs.
#include "engine/ops/elementwise.h"
#include "tests/models/subject.h"

using namespace testing;

TEST_CASE("two batches through one model in one graph") {
  for (const auto& model : kModels)
    for (const std::string spec :
         {"full", "lora:r=4,alpha=8", "prefix:length=5,flat=false,hidden=16",
          "adapter:kind=houlsby,size=8"}) {
      CAPTURE(model);
      CAPTURE(spec);
      Subject subject(model, spec);
      const auto batches = golden_batches(model);
      // Of other lengths, so that the second call would overwrite what the first one left.
      const engine::TokenBatch first = pick(batches[0], {0, 1}),
                               second = pick(batches[0], {2, 1, 0});
      subject.backward(first);
      std::vector<Scalar> sum = subject.gradients();
      subject.backward(second);
      const std::vector<Scalar> other = subject.gradients();

      subject.store->clear_gradients();
      engine::Graph g(subject.workspace);
      auto& m = *subject.model;
      const engine::Tensor a = m.loss(g, m.logits(g, first), first),
                           b = m.loss(g, m.logits(g, second), second);
      g.backward(engine::add(g, a, b));
      subject.store->settle_gradients();
      const std::vector<Scalar> both = subject.gradients();
      double worst = 0;
      for (size_t i = 0; i < both.size(); ++i)
        worst = std::max(worst, std::abs(double(both[i]) - (double(sum[i]) + double(other[i]))));
      CHECK(worst < kClose);
    }
}
