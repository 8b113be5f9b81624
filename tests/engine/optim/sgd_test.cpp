#include "engine/optim/sgd.h"

#include "tests/engine/optim/block.h"

using namespace engine;
using namespace testing;

TEST_CASE("SGD follows torch.optim.SGD step by step") {
  const auto golden = golden_json("optim.json");
  int cases = 0;
  for (const auto& one : golden["cases"]) {
    if (one["optimizer"] != "sgd") continue;
    ++cases;
    TestBlock b(scalars(golden["start"]), static_cast<int64_t>(golden["start"].size()));
    Sgd sgd(b.block, {.momentum = one["momentum"],
                      .nesterov = one["nesterov"],
                      .weight_decay = one["weight_decay"]});
    for (size_t step = 0; step < golden["gradients"].size(); ++step) {
      const auto g = scalars(golden["gradients"][step]);
      std::copy(g.begin(), g.end(), b.grad.begin());
      sgd.step(golden["lrs"][step]);
      for (size_t i = 0; i < b.value.size(); ++i)
        CHECK(b.value[i] ==
              doctest::Approx(one["parameters"][step][i].get<double>()).epsilon(tolerance()));
    }
  }
  CHECK(cases == 6);
}

TEST_CASE("two steps of momentum by hand, with decay on the first scalar only") {
  // p = 1, g = 2, lr 0.1, momentum 0.5. First scalar, wd 0.1:
  //   g' = 2 + 0.1 * 1 = 2.1,     u = 2.1,                  p = 1 - 0.21 = 0.79
  //   g' = 2 + 0.1 * 0.79 = 2.079, u = 1.05 + 2.079 = 3.129, p = 0.79 - 0.3129 = 0.4771
  // Second, no decay: u = 2, p = 0.8; u = 3, p = 0.5.
  TestBlock b({1, 1}, 1);
  b.grad.assign(2, 2);
  Sgd sgd(b.block, {.momentum = 0.5, .weight_decay = 0.1});
  sgd.step(0.1);
  sgd.step(0.1);
  CHECK(b.value[0] == doctest::Approx(0.4771).epsilon(1e-6));
  CHECK(b.value[1] == doctest::Approx(0.5).epsilon(1e-6));
}

TEST_CASE("SGD: threads do not change a bit, and it resumes") {
  for (const double momentum : {0.0, 0.9}) {
    const auto make = [&](const ParameterStore::Block& b) {
      return std::make_unique<Sgd>(
          b, SgdOptions{.momentum = momentum, .nesterov = momentum > 0, .weight_decay = 0.01});
    };
    check_threads(make);
    check_resume(make);
  }
}

TEST_CASE("SGD keeps a moment only with momentum, and refuses what cannot be") {
  TestBlock b(10, 5);
  CHECK(Sgd(b.block).state().empty());
  CHECK(Sgd(b.block).name() == "sgd");
  Sgd sgd(b.block, {.momentum = 0.9});
  REQUIRE(sgd.state().size() == 1);
  CHECK(sgd.state()[0].first == "momentum_buffer");
  CHECK_THROWS_WITH_AS(Sgd(b.block, {.momentum = 1}),
                       "sgd: momentum is 1 and must be at least 0 and below 1", Error);
  CHECK_THROWS_WITH_AS(Sgd(b.block, {.nesterov = true}),
                       doctest::Contains("nesterov needs a momentum above 0"), Error);
  CHECK_THROWS_WITH_AS(Sgd(b.block, {.weight_decay = -2}),
                       "sgd: weight_decay is -2 and must not be negative", Error);
}
