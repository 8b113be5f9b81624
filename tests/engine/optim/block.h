// A trainable block without a model, and the goldens that tools/goldens makes with PyTorch.
#pragma once

#include <doctest/doctest.h>
#include <omp.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/base/philox.h"
#include "engine/optim/optimizer.h"
#include "tests/support/paths.h"

namespace testing {

using engine::Scalar;

struct TestBlock {
  std::vector<Scalar> value, grad;
  engine::ParameterStore::Block block;

  TestBlock(std::vector<Scalar> start, int64_t decayed)
      : value(std::move(start)), grad(value.size(), Scalar(0)) {
    block = {value.data(), grad.data(), static_cast<int64_t>(value.size()), decayed};
  }
  // Random values and gradients, the same for the same size.
  TestBlock(int64_t size, int64_t decayed)
      : TestBlock(std::vector<Scalar>(static_cast<size_t>(size)), decayed) {
    engine::Random random(7);
    for (Scalar& x : value) x = static_cast<Scalar>(random.normal());
    for (Scalar& x : grad) x = static_cast<Scalar>(random.normal());
  }
};

inline std::vector<Scalar> scalars(const nlohmann::json& list) {
  return list.get<std::vector<Scalar>>();
}

inline nlohmann::json golden_json(const std::string& name) {
  return nlohmann::json::parse(std::ifstream(golden(name)));
}

// Goldens have twelve digits and were computed in double; in float, AdamW's eps and tiny gradients
// cost some of them.
inline double tolerance() { return sizeof(Scalar) == 8 ? 1e-10 : 2e-5; }

// Runs fn with `n` threads, whatever the machine has.
template <class F>
void with_threads(int n, F&& fn) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(n);
  fn();
  omp_set_num_threads(before);
}

inline bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0;
}

// Five updates from random gradients, under 1, 2, 3 and 4 threads: the same bits. `make` makes the
// optimizer.
template <class Make>
void check_threads(Make&& make) {
  std::vector<Scalar> expected;
  for (const int threads : {1, 2, 3, 4}) {
    TestBlock b(100'003, 40'001);  // neither a multiple of any vector nor of a chunk
    with_threads(threads, [&] {
      auto optimizer = make(b.block);
      for (int i = 0; i < 5; ++i) {
        optimizer->step(0.01, 0.37);
        for (Scalar& g : b.grad) g = g * Scalar(0.9) + Scalar(0.01);
      }
    });
    if (threads == 1) expected = b.value;
    CHECK_MESSAGE(same_bits(b.value, expected), threads, " threads");
  }
}

// `five` updates in one go, and three, a save and a restore into a fresh optimizer, and two: the
// same bits.
template <class Make>
void check_resume(Make&& make) {
  TestBlock whole(1000, 400), parts(1000, 400);
  auto straight = make(whole.block);
  for (int i = 0; i < 5; ++i) straight->step(0.01);

  auto first = make(parts.block);
  for (int i = 0; i < 3; ++i) first->step(0.01);
  auto second = make(parts.block);
  second->set_steps(first->steps());
  auto from = first->state(), to = second->state();
  REQUIRE(from.size() == to.size());
  for (size_t i = 0; i < from.size(); ++i) {
    CHECK(from[i].first == to[i].first);
    std::copy(from[i].second.begin(), from[i].second.end(), to[i].second.begin());
  }
  for (int i = 0; i < 2; ++i) second->step(0.01);
  CHECK(same_bits(whole.value, parts.value));
  CHECK(second->steps() == 5);
}

}  // namespace testing
