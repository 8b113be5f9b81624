#include "engine/tensor/tensor.h"

#include <doctest/doctest.h>

using namespace engine;

static Tensor fresh(Pool& pool, Shape shape) {
  return {shape, BlockRef(pool.take(static_cast<size_t>(shape.size()) * sizeof(Scalar)))};
}

TEST_CASE("tensors share storage, ghosts have none") {
  Pool pool;
  Tensor t = fresh(pool, {2, 3});
  CHECK(t.sole_owner());
  CHECK(reinterpret_cast<uintptr_t>(t.data()) % 64 == 0);
  const Tensor copy = t;
  CHECK_FALSE(t.sole_owner());
  t.mat() << 1, 2, 3, 4, 5, 6;
  CHECK(copy.row(1)[0] == 4);  // rows are contiguous
  CHECK(copy.row_array(1).sum() == 15);
  CHECK(copy.flat().sum() == 21);
  const Tensor ghost = t.with_id(5).ghost();
  CHECK(ghost.id() == 5);
  CHECK(ghost.shape() == Shape{2, 3});
  CHECK_FALSE(ghost.has_data());
  CHECK(static_cast<bool>(ghost));  // absent values, not an absent tensor
  CHECK_FALSE(static_cast<bool>(Tensor()));
  CHECK_FALSE(static_cast<bool>(Tensor().ghost()));
}

TEST_CASE("storage of somebody else is never ours to write over") {
  Scalar values[6] = {};
  const Tensor t({2, 3}, values);
  CHECK_FALSE(t.sole_owner());
  CHECK(t.block() == nullptr);
  CHECK(t.bytes() == 6 * sizeof(Scalar));
}

TEST_CASE("the last handle gives the block back") {
  Pool pool;
  {
    Tensor a = fresh(pool, {4, 4});
    const Tensor b = a;
    a = Tensor();
    CHECK(pool.live_bytes() == int64_t(16 * sizeof(Scalar)));
    CHECK(b.sole_owner());
  }
  CHECK(pool.live_bytes() == 0);
}
