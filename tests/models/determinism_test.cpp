// The same seed gives the same bits.
//
// With one and with two threads: bits are equal where a matrix product is too small for OpenBLAS to
// share it (m n k up to 2^18; it then runs in one thread), whatever our own kernels do. Larger
// products are cut among threads by OpenBLAS, and at the cuts it takes kernels for other sizes, so
// there the losses only agree to rounding.
#include <omp.h>

#include <cstdlib>
#include <string>

#include "engine/tensor/gemm.h"
#include "tests/models/trainer.h"

using namespace testing;

namespace {

struct Outcome {
  std::vector<double> losses;
  std::vector<std::vector<Scalar>> values;
  bool operator==(const Outcome&) const = default;
};

Outcome train(const std::string& source, const std::string& spec,
              const std::vector<engine::TokenBatch>& batches, int threads, uint64_t seed = 9) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  Subject subject(source, spec, {.seed = seed, .dropout = 0.15});
  auto run = golden_run(subject, golden_json("bert", "steps/full.json"), {.seed = seed});
  Outcome outcome;
  for (size_t t = 0; t < 4; ++t)
    outcome.losses.push_back(run.step(batches[t % batches.size()]).loss);
  outcome.values = subject.values();
  omp_set_num_threads(before);
  return outcome;
}

}  // namespace

TEST_CASE("training twice with dropout gives the same bits, and another seed other ones") {
  for (const auto& model : kModels)
    for (const auto& spec : kStrategies) {
      CAPTURE(model);
      CAPTURE(spec);
      const auto batches = golden_batches(model);
      const Outcome once = train(model, spec, batches, 2);
      CHECK(once == train(model, spec, batches, 2));
      CHECK(once.losses != train(model, spec, batches, 2, 10).losses);
    }
}

TEST_CASE("deterministic training gives the same bits with any number of threads") {
  engine::set_deterministic(true);
  const std::string source = "random:layers=2,hidden=128,heads=2,vocab=100,positions=64";
  const std::vector<engine::TokenBatch> batches = {random_batch(8, 64, 100, 2, 1),
                                                   random_batch(30, 17, 100, 2, 2)};
  for (const std::string spec :
       {"full", "lora:r=4", "adapter:kind=pfeiffer,size=8", "prefix:length=5,flat=true"}) {
    CAPTURE(spec);
    const Outcome one = train(source, spec, batches, 1);
    for (const int threads : {2, 3, 5}) CHECK(one == train(source, spec, batches, threads));
  }
  engine::set_deterministic(false);
}

TEST_CASE("one and two threads give the same bits where OpenBLAS does not share a product") {
  for (const auto& model : kModels)
    for (const auto& spec : kStrategies) {
      CAPTURE(model);
      CAPTURE(spec);
      const auto batches = golden_batches(model);  // largest product 36 x 64 x 32
      CHECK(train(model, spec, batches, 1) == train(model, spec, batches, 2));
    }
  // oneDNN may share any product: models_openblas runs this part.
  const char* gemm = std::getenv("PEFT_GEMM");
  if (!gemm || std::string(gemm) != "openblas") return;
  // Wide and thin: 512 tokens of 16 features, so that our loops and attention run in both threads.
  const std::string source = "random:layers=2,hidden=16,heads=2,ffn=32,vocab=100,positions=64";
  const std::vector<engine::TokenBatch> batches = {random_batch(8, 64, 100, 2, 1),
                                                   random_batch(30, 17, 100, 2, 2)};
  for (const std::string spec :
       {"full", "bitfit", "lora:r=4,alpha=8", "adapter:kind=pfeiffer,size=8",
        "prefix:length=5,flat=true", "ia3"}) {
    CAPTURE(spec);
    CHECK(train(source, spec, batches, 1) == train(source, spec, batches, 2));
  }
}

TEST_CASE("one and two threads agree to rounding where OpenBLAS shares products") {
  const std::string source = "random:layers=2,hidden=128,heads=2,vocab=100,positions=64";
  const std::vector<engine::TokenBatch> batches = {random_batch(8, 64, 100, 2, 1),
                                                   random_batch(30, 17, 100, 2, 2)};
  for (const std::string spec : {"full", "lora:r=4", "prefix:length=5,flat=true"}) {
    CAPTURE(spec);
    const Outcome one = train(source, spec, batches, 1), two = train(source, spec, batches, 2);
    CHECK(two == train(source, spec, batches, 2));
    double worst = 0;
    for (size_t t = 0; t < one.losses.size(); ++t)
      worst = std::max(worst, distance(one.losses[t], two.losses[t]));
    CHECK(worst < (kDouble ? 1e-12 : 1e-4));
  }
}

TEST_CASE("dropout masks are a function of seed and step: a step can be done again") {
  Subject subject("bert", "full", {.dropout = 0.3});
  const auto batch = golden_batches("bert")[0];
  engine::GraphOptions graph;
  graph.dropout = true;
  graph.seed = 3;
  graph.step = 17;
  const double loss = subject.backward(batch, graph);
  const auto gradients = subject.gradients();
  graph.step = 18;
  CHECK(subject.backward(batch, graph) != loss);
  graph.step = 17;
  CHECK(subject.backward(batch, graph) == loss);
  CHECK(subject.gradients() == gradients);
  graph.seed = 4;
  CHECK(subject.backward(batch, graph) != loss);
  CHECK(subject.loss(batch) == subject.backward(batch));  // off: no mask anywhere
}

TEST_CASE("dropout stands where each family has it") {
  // Masks drawn in one training step, L = 2 layers: embeddings 1, a layer attention 1 + after
  // attention 1 + after ffn 1, head. DistilBERT has none after attention; RoBERTa's and ELECTRA's
  // heads have two, before dense and before out_proj.
  struct Expected {
    const char* model;
    uint64_t masks;
  };
  for (const Expected& e : {Expected{"bert", 1 + 2 * 3 + 1},
                            {"roberta", 1 + 2 * 3 + 2},
                            {"electra", 1 + 2 * 3 + 2},
                            {"distilbert", 1 + 2 * 2 + 1}}) {
    CAPTURE(e.model);
    Subject subject(e.model, "full", {.dropout = 0.1});
    const auto batch = golden_batches(e.model)[0];
    engine::GraphOptions options;
    options.dropout = true;
    engine::Graph g(subject.workspace, options), *fresh = nullptr;
    subject.model->logits(g, batch);
    const uint64_t key = g.next_mask_key();
    // The key after n masks is a function of n: count up a second graph until it gives the same.
    engine::Workspace other;
    engine::Graph counting(other, options);
    fresh = &counting;
    uint64_t masks = 0;
    while (fresh->next_mask_key() != key && masks < 100) ++masks;
    CHECK(masks == e.masks);
  }
}
