// Products that a result needs, by hand. S sequences of n tokens, N = S n; L layers; d wide, f in
// the feed-forward, C classes. All but the last layer, forward:
//   linears  2 N (4 d^2 + 2 d f),  attention  2 products of 2 S n^2 d
// In the last layer keys and values of all tokens, everything else at S rows; pooler and classifier
// at S rows. Backward needs, of a linear layer, as much again for its input where something below
// trains and for its weight where that trains; of attention four products (dV, dP, dQ, dK), where
// forward has two.
#include <doctest/doctest.h>

#include "bench/step.h"

namespace {

constexpr double S = 4, n = 7, N = S * n, L = 3, d = 16, f = 64, C = 2;

// Forward, of the parts that are treated alike in backward.
constexpr double kQkvo = 2 * N * 4 * d * d, kFfn = 2 * N * 2 * d * f,
                 kAttention = 2 * 2 * S * n * n * d;
constexpr double kLastLinears = 2 * N * 2 * d * d + 2 * S * (2 * d * d + 2 * d * f),
                 kLastAttention = 2 * 2 * S * n * d;
constexpr double kPooler = 2 * S * d * d, kClassifier = 2 * S * d * C;
constexpr double kLinears = (L - 1) * (kQkvo + kFfn) + kLastLinears + kPooler + kClassifier;
constexpr double kAttentions = (L - 1) * kAttention + kLastAttention;
constexpr double kForward = kLinears + kAttentions;

bench::StepResult run(const std::string& strategy) {
  bench::StepCase c;
  c.model = "random:layers=3,hidden=16,heads=2,vocab=50";
  c.strategy = strategy;
  c.batch = static_cast<int>(S);
  c.lengths = "7";
  c.steps = 1;
  return bench::run_step(c);
}

}  // namespace

TEST_CASE("full: three times forward") {
  CHECK(run("full").work.needed_flops() == doctest::Approx(3 * kForward));
}

TEST_CASE("frozen: forward and the classifier's weight") {
  CHECK(run("frozen").work.needed_flops() == doctest::Approx(kForward + kClassifier));
}

TEST_CASE("bitfit: forward, every input's gradient, the classifier's weight") {
  CHECK(run("bitfit").work.needed_flops() ==
        doctest::Approx(kForward + kLinears + 2 * kAttentions + kClassifier));
}

TEST_CASE("ia3: as bitfit, but layer 0 wants no gradient of its input, nor of its queries") {
  const double saved = 2 * N * 3 * d * d + kAttention / 2;
  CHECK(run("ia3").work.needed_flops() ==
        doctest::Approx(kForward + kLinears + 2 * kAttentions + kClassifier - saved));
}

TEST_CASE("lora: as ia3 without keys in layer 0 instead of queries, and the updates") {
  const double r = 8, site = 2 * r * (d + d);  // of a token, forward
  const double all_rows = (2 * (L - 1) + 1) * N, last_query = S;
  const double updates = site * (all_rows + last_query);
  // Forward, dA and dB, dt and dx; layer 0 has no dx.
  const double backward = 2 * updates - 2 * N * 2 * r * d;
  const double saved = 2 * N * 3 * d * d + kAttention / 2;
  CHECK(run("lora").work.needed_flops() ==
        doctest::Approx(kForward + kLinears + 2 * kAttentions + kClassifier - saved + updates +
                        backward));
}

TEST_CASE("made is what is needed, and attention's scores a second time in backward") {
  CHECK(run("frozen").work.flops() == doctest::Approx(kForward + kClassifier));
  CHECK(run("full").work.flops() == doctest::Approx(3 * kForward + kAttentions / 2));
  for (const std::string strategy : {"bitfit", "ia3", "lora", "adapter:size=4"}) {
    CAPTURE(strategy);
    const bench::StepResult r = run(strategy);
    const double without = strategy.starts_with("adapter")
                               ? kAttention / 2
                               : 0;  // nothing below trains: layer 0 has no backward
    CHECK(r.work.flops() == doctest::Approx(r.work.needed_flops() + kAttentions / 2 - without));
  }
  const bench::StepResult prefix = run("prefix:length=3,hidden=8");
  const double front = ((L - 1) * N + S) * 3 * d * 2;  // the scores against the prefix
  CHECK(prefix.work.flops() ==
        doctest::Approx(prefix.work.needed_flops() + kAttentions / 2 + front));
}
