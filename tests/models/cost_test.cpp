// What a step of BERT costs, by strategy: matrix products by purpose and bytes saved for backward.
//
// L layers; a linear layer is one product forward, attention two (scores, mixture):
//   forward        6 L linears + 2 L attention + pooler + classifier                     = 8 L + 2
// Backward, of a linear layer whose weight trains one weight product, and one input product if its
// input needs a gradient; of attention four products (dV, dP, dQ, dK) and the scores recomputed:
//   full           weights 6 L + 2, inputs (6 + 4) L + 2: all, since the embeddings below train
//   frozen         weights 1 (the classifier), inputs 0: nothing below the classifier wants one
//   bitfit         weights 1, inputs as full: the bias of the embeddings' LayerNorm is the lowest
//   lora on q, v   forward + 2 products at 2 L sites; weights 2 each (A, B), the classifier: 4 L +
//   1
//                  inputs, layers above the first: 6 + 4, and at each site dt and its part of dx:
//                  + 4 = 14; first layer, whose input needs none: attention_output, ffn_in, ffn_out
//                  3, attention without dK 3, dt 2 = 8; pooler and classifier 2
//   top:layers=1   weights 6 + 2 (its layer, pooler, classifier); inputs: attention 4, the three
//                  linears that do not read the layer's frozen input, pooler, classifier
#include "engine/base/counters.h"
#include "tests/models/subject.h"

using namespace testing;

namespace {

engine::Counters cost(Subject& subject, const engine::TokenBatch& batch) {
  engine::counters() = {};
  subject.backward(batch);
  return engine::counters();
}

constexpr int64_t L = 2;  // of the golden bert

struct Expected {
  const char* spec;
  int64_t forward, weights, inputs, recomputed;
};
const Expected kExpected[] = {
    {"full", 8 * L + 2, 6 * L + 2, 10 * L + 2, L},
    {"frozen", 8 * L + 2, 1, 0, 0},
    {"bitfit", 8 * L + 2, 1, 10 * L + 2, L},
    {"lora:r=4,alpha=8", 8 * L + 2 + 4 * L, 4 * L + 1, 8 + 14 * (L - 1) + 2, L},
    {"top:layers=1", 8 * L + 2, 6 + 2, 4 + 3 + 2, 1},
    // Factors are no products. The first key and value stand in layer 0: from there on as BitFit,
    // and in layer 0 no dQ and only the three linears above attention.
    {"ia3", 8 * L + 2, 1, (3 + 3) + 10 * (L - 1) + 2, L},
};

}  // namespace

TEST_CASE("matrix products by purpose: a frozen weight costs no weight-gradient product") {
  const auto batch = golden_batches("bert")[0];
  for (const Expected& expected : kExpected) {
    CAPTURE(expected.spec);
    Subject subject("bert", expected.spec);
    const engine::Counters c = cost(subject, batch);
    CHECK(c.forward.calls == expected.forward);
    CHECK(c.weight_gradient.calls == expected.weights);
    CHECK(c.input_gradient.calls == expected.inputs);
    CHECK(c.recomputed.calls == expected.recomputed);
    CHECK(c.tokens == batch.tokens());
    CHECK(c.steps == 1);
  }
}

TEST_CASE("as many weight-gradient products as trainable matrices, in every strategy and model") {
  for (const auto& model : kModels)
    for (const auto& spec : kStrategies) {
      CAPTURE(model);
      CAPTURE(spec);
      Subject subject(model, spec);
      int64_t matrices = 0;  // embeddings are looked up and IA3's vectors are factors: no products
      for (const engine::Parameter* p : subject.store->trainable())
        if (p->dims.size() == 2 && !p->name.ends_with("ia3_l") &&
            p->role != engine::Role::embedding && !contains(p->name, "embedding.weight") &&
            !contains(p->name, "prompt_embeddings"))
          ++matrices;
      CHECK(cost(subject, golden_batches(model)[0]).weight_gradient.calls == matrices);
    }
}

// The last layer has keys and values of all n tokens, and everything else of the s that the head
// reads.
TEST_CASE("FLOPs of the weight gradients: 2 tokens in out for each linear layer") {
  const auto batch = golden_batches("bert")[0];
  const double n = static_cast<double>(batch.tokens()), s = batch.sequences(), d = 32, f = 64,
               classes = 3;
  Subject full("bert", "full"), bitfit("bert", "bitfit"), lora("bert", "lora:r=4,alpha=8");
  const double layers =
      (L - 1) * n * (4 * d * d + 2 * d * f) + n * 2 * d * d + s * (2 * d * d + 2 * d * f);
  CHECK(cost(full, batch).weight_gradient.flops == 2 * (layers + s * d * d + s * d * classes));
  CHECK(cost(bitfit, batch).weight_gradient.flops == 2 * s * d * classes);
  CHECK(cost(lora, batch).weight_gradient.flops ==
        2 * (((2 * L - 1) * n + s) * 2 * 4 * d + s * d * classes));
  // Forward: the linears and two products of n_s x n_s x d for each sequence.
  double pairs = 0;
  for (int i = 0; i < batch.sequences(); ++i) pairs += std::pow(batch.segments.length(i), 2);
  CHECK(cost(full, batch).forward.flops ==
        2 * (layers + 2 * ((L - 1) * pairs + n) * d + s * d * d + s * d * classes));
}

TEST_CASE(
    "bytes kept for backward: bitfit less than full, frozen the head's alone, inference none") {
  for (const auto& model : kModels) {
    CAPTURE(model);
    const auto batch = golden_batches(model)[0];
    const auto bytes = [&](const char* spec) {
      Subject subject(model, spec);
      return cost(subject, batch).saved_bytes;
    };
    const int64_t full = bytes("full"), bitfit = bytes("bitfit"), lora = bytes("lora:r=4,alpha=8"),
                  top = bytes("top:layers=1"), frozen = bytes("frozen");
    CHECK(frozen < top);
    CHECK(top < full);
    CHECK(bitfit < full);
    CHECK(lora < full);
    // The head keeps of each sequence a row of hidden for each of its layers, its activation and
    // dropout, and the classes.
    const int64_t s = batch.sequences(), width = 32, classes = 4;
    CHECK(frozen > 0);
    CHECK(frozen <= s * (4 * width + 2 * classes) * static_cast<int64_t>(sizeof(Scalar)));
    Subject subject(model);
    engine::counters() = {};
    subject.logits(batch);
    CHECK(engine::counters().saved_bytes == 0);
  }
}
