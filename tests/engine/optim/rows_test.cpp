// Clipping and AdamW with tables of which a backward wrote some rows, against the same with all
// rows written.
#include <limits>

#include "engine/optim/adamw.h"
#include "engine/optim/clip.h"
#include "tests/engine/optim/block.h"

using namespace engine;
using namespace testing;

namespace {

// A stretch, a table of rows of `cols`, a stretch, a second table, and a part without decay.
struct TableBlock : TestBlock {
  WrittenRows first{200}, second{70};

  explicit TableBlock(int64_t cols) : TestBlock(1000 + 270 * cols + 500, 1000 + 270 * cols + 300) {
    block.tables = {{700, 200, cols, &first}, {1000 + 200 * cols, 70, cols, &second}};
  }
  // New gradients: of a table, in rows below `rows` that a coin chooses; the others are what
  // `outside` says.
  void next(Random& random, uint64_t rows, Scalar outside = 0) {
    for (Scalar& g : grad) g = static_cast<Scalar>(random.normal());
    for (const auto& t : block.tables) {
      t.written->clear();
      for (int64_t row = 0; row < t.rows; ++row) {
        if (random.below(3) == 0 && static_cast<uint64_t>(row) < rows)
          t.written->add(row);
        else
          std::fill_n(grad.begin() + t.begin + row * t.cols, t.cols, outside);
      }
    }
  }
};

}  // namespace

TEST_CASE("AdamW that knows the written rows has the bits of AdamW that does not") {
  for (const int64_t cols : {1, 13, 16, 64})
    for (const AdamWForm form : {AdamWForm::torch, AdamWForm::hf})
      for (const double decay : {0.0, 0.1})
        for (const int threads : {1, 3}) {
          CAPTURE(cols);
          CAPTURE(decay);
          TableBlock rows(cols), whole(cols);
          const AdamWOptions options{.weight_decay = decay, .form = form};
          AdamW a(rows.block, options), b(whole.block, options);
          Random one(5), two(5);
          with_threads(threads, [&] {
            for (int step = 0; step < 12; ++step) {
              // Never written from row 150 on; in between somebody reads the moments, as a
              // checkpoint does.
              rows.next(one, 150);
              whole.next(two, 150);
              whole.block.wrote_all();
              const double scale = clip_gradients(rows.block, 1).scale;
              REQUIRE(scale == clip_gradients(whole.block, 1).scale);
              a.step(0.01, scale);
              b.step(0.01, scale);
              if (step % 5 == 3) a.state();
              REQUIRE(same_bits(rows.value, whole.value));
            }
          });
          for (size_t i = 0; i < 2; ++i) {
            const auto m = a.state()[i].second, n = b.state()[i].second;
            CHECK(std::equal(m.begin(), m.end(), n.begin()));
          }
        }
}

TEST_CASE("a table is clipped and updated as a block without tables is") {
  TableBlock table(64);
  TestBlock plain(table.block.size, table.block.decayed);
  const AdamWOptions options{.weight_decay = 0.1};
  AdamW a(table.block, options), b(plain.block, options);
  Random random(5);
  for (int step = 0; step < 5; ++step) {
    table.next(random, 100);
    plain.grad = table.grad;
    plain.block.grad = plain.grad.data();
    CHECK(clip_gradients(table.block, 1).norm ==
          doctest::Approx(clip_gradients(plain.block, 1).norm).epsilon(1e-13));
    a.step(0.01, 0.5);
    b.step(0.01, 0.5);
  }
  for (size_t i = 0; i < plain.value.size(); ++i)
    REQUIRE(table.value[i] == doctest::Approx(plain.value[i]).epsilon(1e-6));
}

TEST_CASE("the gradient is not read outside of the written rows") {
  TableBlock b(16);
  Random random(5);
  b.next(random, 150, std::numeric_limits<Scalar>::quiet_NaN());
  AdamW adamw(b.block, {.weight_decay = 0.1});
  const Clip clip = clip_gradients(b.block, 1);
  CHECK(clip.finite());
  adamw.step(0.01, clip.scale);
  for (const Scalar x : b.value) REQUIRE(std::isfinite(x));
}

TEST_CASE("a row that got a gradient once goes on moving, also after a restore") {
  TableBlock b(16);
  Random random(5);
  b.next(random, 150);
  AdamW first(b.block);
  first.step(0.01);
  int64_t row = 0;
  while (!b.first.has(row)) ++row;
  b.first.clear();
  b.second.clear();
  std::fill(b.grad.begin(), b.grad.end(), Scalar(0));
  AdamW second(b.block);
  second.set_steps(1);
  auto from = first.state(), to = second.state();
  for (size_t i = 0; i < 2; ++i)
    std::copy(from[i].second.begin(), from[i].second.end(), to[i].second.begin());
  const auto at = static_cast<size_t>(700 + row * 16);
  const Scalar before = b.value[at], never = b.value[700 + 199 * 16];
  second.step(0.01);
  CHECK(b.value[at] != before);
  CHECK(b.value[700 + 199 * 16] == never);  // written by no step, and no decay
}
