#include "engine/tensor/pool.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/philox.h"

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kPlain =
    true;  // the pool hands every block to AddressSanitizer, and recycles nothing
#else
constexpr bool kPlain = false;
#endif

using namespace engine;

TEST_CASE("blocks are aligned, apart, and as large as asked") {
  Pool pool;
  Random random(1);
  std::vector<std::pair<Block*, unsigned char>> held;
  for (int step = 0; step < 2000; ++step) {
    if (held.size() < 60 && random.below(2)) {
      const size_t bytes = random.below(5000);
      Block* block = pool.take(bytes);
      REQUIRE(reinterpret_cast<uintptr_t>(block->data()) % 64 == 0);
      REQUIRE(block->capacity >= bytes);
      const auto mark = static_cast<unsigned char>(step);
      std::memset(block->data(), mark, bytes);
      held.push_back({block, mark});
    } else if (!held.empty()) {
      const size_t i = random.below(held.size());
      const auto [block, mark] = held[i];
      bool intact = true;
      for (size_t b = 0; b < block->bytes; ++b)
        intact = intact && static_cast<unsigned char*>(block->data())[b] == mark;
      REQUIRE(intact);  // nobody else wrote here
      pool.give_back(block);
      held.erase(held.begin() + static_cast<long>(i));
    }
  }
  for (const auto& [block, mark] : held) pool.give_back(block);
  CHECK(pool.live_bytes() == 0);
}

TEST_CASE("live and peak bytes are those asked for") {
  Pool pool;
  Block* a = pool.take(100);
  Block* b = pool.take(1000);
  CHECK(pool.live_bytes() == 1100);
  pool.give_back(b);
  CHECK(pool.live_bytes() == 100);
  CHECK(pool.peak_bytes() == 1100);
  pool.reset_peak();
  CHECK(pool.peak_bytes() == 100);
  pool.give_back(a);
  CHECK(pool.live_bytes() == 0);
  CHECK(pool.peak_bytes() == 100);
}

TEST_CASE("poisoned memory is not a number") {
  Pool pool;
  pool.set_poison(true);
  for (int round = 0; round < 2; ++round) {  // the second time, recycled
    const BlockRef block(pool.take(256));
    const auto* f = static_cast<const float*>(block.get()->data());
    const auto* d = static_cast<const double*>(block.get()->data());
    for (int i = 0; i < 64; ++i) CHECK(std::isnan(f[i]));
    for (int i = 0; i < 32; ++i) CHECK(std::isnan(d[i]));
    std::memset(block.get()->data(), 0, 256);
  }
}

TEST_CASE("the smallest hole that fits is used" * doctest::skip(kPlain)) {
  Pool pool;
  Block* large = pool.take(4096);
  Block* wall = pool.take(64);
  Block* small = pool.take(1024);
  Block* end = pool.take(64);
  pool.give_back(large);
  pool.give_back(small);
  Block* fit = pool.take(1000);
  CHECK(fit == small);
  CHECK(pool.take(4000) == large);
  CHECK(pool.system_allocations() == 1);
  for (Block* b : {fit, large, wall, end}) pool.give_back(b);
}

TEST_CASE("freed neighbours merge, in any order" * doctest::skip(kPlain)) {
  for (const std::vector<int>& order : std::vector<std::vector<int>>{
           {0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}}) {
    Pool pool;
    std::vector<Block*> blocks;
    for (int i = 0; i < 3; ++i) blocks.push_back(pool.take(1 << 20));
    Block* wall = pool.take(64);
    for (const int i : order) pool.give_back(blocks[static_cast<size_t>(i)]);
    Block* whole =
        pool.take(3 << 20);  // only the three together have the room in front of the wall
    CHECK(whole == blocks[0]);
    CHECK(pool.system_allocations() == 1);
    pool.give_back(whole);
    pool.give_back(wall);
  }
}

TEST_CASE("a warm loop of changing sizes takes nothing from the system" * doctest::skip(kPlain)) {
  Pool pool;
  const auto step = [&](uint64_t seed) {
    Random random(seed);
    const size_t rows = 100 + random.below(900);  // a packed batch has other rows every time
    std::vector<BlockRef> kept;
    for (int layer = 0; layer < 12; ++layer) {
      const BlockRef a(pool.take(rows * 1024)), b(pool.take(rows * 4096));
      kept.push_back(BlockRef(pool.take(rows * 1024)));
      kept.push_back(BlockRef(pool.take(rows * 8)));
    }
    while (!kept.empty()) {
      const BlockRef gradient(pool.take(rows * 1024));
      kept.pop_back();
    }
  };
  for (uint64_t i = 0; i < 20; ++i) step(i);
  const int64_t warm = pool.system_allocations();
  for (uint64_t i = 20; i < 300; ++i) step(i);
  CHECK(pool.system_allocations() == warm);
  CHECK(pool.live_bytes() == 0);
  // Best fit and merging keep what is resident near what was needed at once.
  CHECK(pool.touched_bytes() < 1.25 * static_cast<double>(pool.peak_bytes()));
  CHECK(pool.touched_bytes() >= pool.peak_bytes());
}

TEST_CASE("a block larger than a slab has a slab of its own" * doctest::skip(kPlain)) {
  Pool pool;
  const BlockRef block(pool.take(size_t{300} << 20));
  CHECK(block.get()->capacity >= size_t{300} << 20);
  CHECK(pool.touched_bytes() >= int64_t{300} << 20);
}

TEST_CASE("a refusal of the system is an error with advice" * doctest::skip(kPlain)) {
  Pool pool;
  CHECK_THROWS_AS(pool.take(size_t{1} << 60), Error);
  const BlockRef still_works(pool.take(100));
}

TEST_CASE("references are counted") {
  Pool pool;
  BlockRef a(pool.take(64));
  CHECK(a.unique());
  {
    const BlockRef b = a;
    CHECK_FALSE(a.unique());
  }
  CHECK(a.unique());
  BlockRef& same = a;
  a = same;
  CHECK(a.unique());
  const BlockRef c = std::move(a);
  CHECK(c.unique());
  CHECK_FALSE(static_cast<bool>(a));  // NOLINT: what a moved-from handle is, is the question
  CHECK(pool.live_bytes() == 64);
}
