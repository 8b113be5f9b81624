// A leaf with its own memory, and a workspace whose fresh memory is NaN.
#pragma once

#include <vector>

#include "engine/autograd/graph.h"
#include "engine/base/philox.h"

namespace testing {

struct OwnedLeaf : engine::Leaf {
  OwnedLeaf(engine::Shape s, bool train, uint64_t key = 1)
      : values(static_cast<size_t>(s.size())), grads(values.size(), -1) {
    engine::Random random(key);
    for (auto& x : values) x = static_cast<engine::Scalar>(random.normal());
    shape = s;
    value = values.data();
    trainable = train;
    grad = train ? grads.data() : nullptr;
  }
  OwnedLeaf(const OwnedLeaf&) = delete;
  OwnedLeaf& operator=(const OwnedLeaf&) = delete;
  std::vector<engine::Scalar> values, grads;
};

struct PoisonedWorkspace : engine::Workspace {
  PoisonedWorkspace() { pool.set_poison(true); }
  engine::Tensor tensor(engine::Shape shape, uint64_t key = 1) {
    engine::Tensor t(shape, engine::BlockRef(pool.take(static_cast<size_t>(shape.size()) *
                                                       sizeof(engine::Scalar))));
    engine::Random random(key);
    for (int64_t i = 0; i < t.size(); ++i)
      t.data()[i] = static_cast<engine::Scalar>(random.normal());
    return t;
  }
};

}  // namespace testing
