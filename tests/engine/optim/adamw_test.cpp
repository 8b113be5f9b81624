#include "engine/optim/adamw.h"

#include <limits>

#include "tests/engine/optim/block.h"

using namespace engine;
using namespace testing;

TEST_CASE("AdamW follows PyTorch and transformers step by step") {
  const auto golden = golden_json("optim.json");
  int cases = 0;
  for (const auto& one : golden["cases"]) {
    if (one["optimizer"] != "adamw") continue;
    ++cases;
    CAPTURE(one["form"].get<std::string>());
    CAPTURE(one["weight_decay"].get<double>());
    TestBlock b(scalars(golden["start"]), static_cast<int64_t>(golden["start"].size()));
    AdamWOptions options;
    options.beta1 = one["betas"][0];
    options.beta2 = one["betas"][1];
    options.eps = one["eps"];
    options.weight_decay = one["weight_decay"];
    options.form = one["form"] == "hf" ? AdamWForm::hf : AdamWForm::torch;
    options.correct_bias = one.value("correct_bias", true);
    AdamW adamw(b.block, options);
    for (size_t step = 0; step < golden["gradients"].size(); ++step) {
      const auto g = scalars(golden["gradients"][step]);
      std::copy(g.begin(), g.end(), b.grad.begin());
      adamw.step(golden["lrs"][step]);
      for (size_t i = 0; i < b.value.size(); ++i) {
        CAPTURE(step);
        CAPTURE(i);
        CHECK(b.value[i] ==
              doctest::Approx(one["parameters"][step][i].get<double>()).epsilon(tolerance()));
      }
    }
    CHECK(adamw.steps() == static_cast<int64_t>(golden["gradients"].size()));
  }
  CHECK(cases == 9);
}

TEST_CASE("AdamW's first torch step by hand") {
  // t = 1: m = 0.1 g, v = 0.001 g^2, so m / (1 - b1) = g and sqrt(v) / sqrt(1 - b2) = |g|:
  // p = p (1 - lr wd) - lr g / (|g| + eps) = 2 (1 - 0.1 * 0.5) - 0.1 * 3 / (3 + 1e-8) = 1.9 - 0.1
  TestBlock b({2, 2}, 1);
  b.grad = {3, 3};
  b.block.grad = b.grad.data();
  AdamW adamw(b.block, {.weight_decay = 0.5});
  adamw.step(0.1);
  CHECK(b.value[0] == doctest::Approx(1.8).epsilon(1e-6));
  CHECK(b.value[1] == doctest::Approx(1.9).epsilon(1e-6));  // behind `decayed`: no decay
}

TEST_CASE("decay touches only the first part of the block, in both forms") {
  for (const AdamWForm form : {AdamWForm::torch, AdamWForm::hf}) {
    TestBlock with(5000, 4500), without(5000, 4500);
    AdamW a(with.block, {.weight_decay = 0.1, .form = form}),
        b(without.block, {.weight_decay = 0, .form = form});
    a.step(0.1);
    b.step(0.1);
    for (size_t i = 4500; i < 5000; ++i) REQUIRE(with.value[i] == without.value[i]);
    for (size_t i = 0; i < 4500; ++i) REQUIRE(with.value[i] != without.value[i]);
  }
}

TEST_CASE("the scale of clipping is the same as smaller gradients") {
  TestBlock scaled(5000, 0), small(5000, 0);
  for (Scalar& g : small.grad) g *= Scalar(0.25);
  AdamW a(scaled.block), b(small.block);
  a.step(0.1, 0.25);
  b.step(0.1);
  CHECK(same_bits(scaled.value, small.value));
}

TEST_CASE("a learning rate of 0 leaves the values and still fills the moments") {
  TestBlock b(100, 50);
  const auto before = b.value;
  AdamW adamw(b.block, {.weight_decay = 0.1});
  adamw.step(0);
  CHECK(same_bits(b.value, before));
  CHECK(adamw.state()[0].second[0] != 0);
  CHECK(adamw.state()[1].second[0] != 0);
}

TEST_CASE("moments without a gradient end as zero, not as the smallest number") {
  TestBlock b(64, 0);
  AdamW adamw(b.block, {.beta1 = 0.5, .beta2 = 0.6});
  adamw.step(0.1);
  std::fill(b.grad.begin(), b.grad.end(), Scalar(0));
  for (int i = 0; i < 2500; ++i) adamw.step(0);  // in double the smallest normal number is 2^-1022
  for (const auto& [name, moment] : adamw.state())
    for (const Scalar x : moment) REQUIRE(x == 0);
}

TEST_CASE("AdamW: threads do not change a bit") {
  for (const AdamWForm form : {AdamWForm::torch, AdamWForm::hf})
    check_threads([&](const ParameterStore::Block& b) {
      return std::make_unique<AdamW>(b, AdamWOptions{.weight_decay = 0.01, .form = form});
    });
}

TEST_CASE("AdamW resumes bit for bit from its moments") {
  check_resume([](const ParameterStore::Block& b) {
    return std::make_unique<AdamW>(b, AdamWOptions{.weight_decay = 0.01});
  });
}

TEST_CASE("an empty block is fine") {
  TestBlock b(std::vector<Scalar>{}, 0);
  AdamW adamw(b.block);
  adamw.step(0.1);
  CHECK(adamw.state()[0].second.empty());
}

TEST_CASE("AdamW's names, and its errors") {
  TestBlock b(10, 5);
  CHECK(AdamW(b.block).name() == "adamw");
  CHECK(AdamW(b.block, {.form = AdamWForm::hf}).name() == "adamw_hf");
  CHECK(AdamW(b.block).state()[0].first == "exp_avg");
  CHECK_THROWS_WITH_AS(AdamW(b.block, {.beta1 = 1}),
                       "adamw: beta1 is 1 and must be at least 0 and below 1", Error);
  CHECK_THROWS_WITH_AS(AdamW(b.block, {.beta2 = -0.5}),
                       "adamw: beta2 is -0.5 and must be at least 0 and below 1", Error);
  CHECK_THROWS_WITH_AS(AdamW(b.block, {.eps = 0}),
                       doctest::Contains("eps is 0 and must be above 0"), Error);
  CHECK_THROWS_WITH_AS(AdamW(b.block, {.weight_decay = -1}),
                       "adamw: weight_decay is -1 and must not be negative", Error);
  CHECK_THROWS_WITH_AS(AdamW(b.block, {.correct_bias = false}),
                       doctest::Contains("belongs to the hf form"), Error);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(AdamW(b.block, {.beta1 = nan}), Error);
  CHECK_THROWS_AS(AdamW(b.block, {.weight_decay = nan}), Error);
}
