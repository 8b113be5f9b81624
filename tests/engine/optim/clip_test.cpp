#include "engine/optim/clip.h"

#include <cmath>
#include <limits>

#include "tests/engine/optim/block.h"

using namespace engine;
using namespace testing;

namespace {

void flatten(const nlohmann::json& j, std::vector<Scalar>& out) {
  if (j.is_number()) return out.push_back(j.get<Scalar>());
  for (const auto& item : j) flatten(item, out);
}

}  // namespace

TEST_CASE("norm and clipped gradients are torch.nn.utils.clip_grad_norm_'s") {
  const auto golden = golden_json("optim.json");
  REQUIRE(golden["clip"].size() == 2);
  for (const auto& one : golden["clip"]) {
    std::vector<Scalar> gradients, clipped;
    flatten(one["gradients"], gradients);
    flatten(one["clipped"], clipped);
    TestBlock b(gradients, 0);
    b.grad = gradients;
    b.block.grad = b.grad.data();
    const Clip clip = clip_gradients(b.block, one["max_norm"]);
    CHECK(clip.norm ==
          doctest::Approx(one["norm"].get<double>()).epsilon(sizeof(Scalar) == 8 ? 1e-11 : 1e-6));
    CHECK(clip.finite());
    for (size_t i = 0; i < gradients.size(); ++i)
      CHECK(gradients[i] * clip.scale ==
            doctest::Approx(static_cast<double>(clipped[i])).epsilon(1e-6));
  }
}

TEST_CASE("by hand: 3 and 4 have norm 5, clipped to 1 by 1 / (5 + 1e-6)") {
  TestBlock b({0, 0}, 0);
  b.grad = {3, 4};
  b.block.grad = b.grad.data();
  CHECK(clip_gradients(b.block, 1).norm == 5);
  CHECK(clip_gradients(b.block, 1).scale == doctest::Approx(1 / 5.000001).epsilon(1e-12));
  CHECK(clip_gradients(b.block, 6).scale == 1);
  CHECK(clip_gradients(b.block, 0).scale == 1);  // measured, not clipped
  CHECK(clip_gradients(b.block, 0).norm == 5);
}

TEST_CASE("the norm has the same bits for any number of threads, and is accurate") {
  for (const int64_t size : {1, 15, 17, 4096, 4097, 100'003, 3'000'001}) {
    TestBlock b(size, 0);
    long double exact = 0;
    for (const Scalar g : b.grad) exact += static_cast<long double>(g) * g;
    double expected = 0;
    for (const int threads : {1, 2, 3, 4})
      with_threads(threads, [&] {
        const double norm = gradient_norm(b.block);
        if (threads == 1) expected = norm;
        CHECK(norm == expected);
      });
    CHECK(expected == doctest::Approx(static_cast<double>(std::sqrt(exact))).epsilon(1e-13));
  }
}

TEST_CASE("gradients that are not finite are told, not hidden by the scale") {
  for (const Scalar bad :
       {std::numeric_limits<Scalar>::infinity(), std::numeric_limits<Scalar>::quiet_NaN()}) {
    TestBlock b(100, 0);
    b.grad[50] = bad;
    CHECK_FALSE(clip_gradients(b.block, 1).finite());
    CHECK_FALSE(clip_gradients(b.block, 0).finite());
  }
}

TEST_CASE("an empty block has norm 0 and is not clipped") {
  TestBlock b(std::vector<Scalar>{}, 0);
  CHECK(clip_gradients(b.block, 1).norm == 0);
  CHECK(clip_gradients(b.block, 1).scale == 1);
}
