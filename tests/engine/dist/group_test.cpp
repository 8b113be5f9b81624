// The sum of an update's parts: the same bits in one process and in several.
#include "engine/dist/group.h"

#include <doctest/doctest.h>

#include <cstring>

#include "engine/base/philox.h"
#include "engine/base/threads.h"

namespace {

using engine::Group;
using engine::Scalar;

struct GroupSubject : engine::Module {
  GroupSubject() {
    declare(weight, "weight", {5, 37}, engine::Role::head, 0);
    weight.trainable = true;
  }
  engine::Parameter weight;
};

struct Asked {
  int64_t step;
};

// A gradient of each part that depends on the values, the step and the part.
std::vector<Scalar> summed(int processes, int parts) {
  GroupSubject subject;
  engine::ParameterStore store(subject);
  store.allocate();
  store.initialise(1);
  const auto compute = [&](Group::Order bytes, int part, Group::Result& result) {
    Asked asked{};
    std::memcpy(&asked, bytes.data(), sizeof asked);
    store.clear_gradients();
    engine::Random random(static_cast<uint64_t>(asked.step), static_cast<uint64_t>(part));
    for (int64_t i = 0; i < store.block().size; ++i)
      store.block().grad[i] = static_cast<Scalar>(random.normal()) + store.block().value[i];
    result.numbers[0] = part + static_cast<double>(asked.step);
  };
  const auto group = processes > 1 ? engine::forked(processes, parts, store.block(), compute)
                                   : engine::alone(parts, store.block(), compute);
  CHECK(group->size() == processes);
  std::vector<Scalar> all;
  for (int64_t step = 0; step < 3; ++step) {
    const auto results = group->run(Asked{step});
    REQUIRE(results.size() == static_cast<size_t>(parts));
    for (int part = 0; part < parts; ++part)
      CHECK(results[static_cast<size_t>(part)].numbers[0] == part + step);
    for (int64_t i = 0; i < store.block().size; ++i) {
      all.push_back(store.block().grad[i]);
      store.block().value[i] -= Scalar(0.1) * store.block().grad[i];
    }
  }
  return all;
}

}  // namespace

TEST_CASE("the sum of parts does not depend on the number of processes") {
  engine::set_threads(1);  // forked processes have one
  for (const int parts : {1, 2, 5}) {
    CAPTURE(parts);
    const std::vector<Scalar> alone = summed(1, parts);
    for (const int processes : {2, 3})
      if (processes <= parts) CHECK(summed(processes, parts) == alone);
  }
}

TEST_CASE("what is wrong with a group is said") {
  GroupSubject subject;
  engine::ParameterStore store(subject);
  store.allocate();
  store.initialise(1);
  const Group::Compute fails = [](Group::Order, int, Group::Result&) {
    engine::fail("data", "there is none left");
  };
  CHECK_THROWS_WITH_AS(engine::alone(1, store.block(), fails)->run(Asked{0}),
                       doctest::Contains("there is none left"), engine::Error);
  CHECK_THROWS_WITH_AS(engine::forked(2, 2, store.block(), fails)->run(Asked{0}),
                       doctest::Contains("there is none left"), engine::Error);
  CHECK_THROWS_AS(engine::forked(3, 2, store.block(), fails), engine::Error);
  CHECK_THROWS_AS(engine::alone(65, store.block(), fails), engine::Error);
}
