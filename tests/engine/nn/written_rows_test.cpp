// Gradients of tables of which only the looked-up rows are written, against the same gradients
// written whole.
#include "engine/autograd/written_rows.h"

#include <doctest/doctest.h>

#include "engine/nn/parameter_store.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "tests/engine/autograd/support.h"

using namespace engine;

namespace {

constexpr int64_t kTableRows = 150, kTableCols = 13;

struct TiedNet : Module {
  TiedNet() {
    declare(words, "words", {kTableRows, kTableCols}, Role::embedding, -1);
    declare(head, "head", {1, kTableCols}, Role::head, 0);
  }
  Parameter words, head;
};

// Which ops use the table, in the order of their backwards.
enum class TableUses { lookup, product_then_lookup, lookup_then_product, product };

struct TableModel {
  TiedNet net;
  ParameterStore store{net};
  Workspace ws;

  // Without the rows the table is written whole.
  explicit TableModel(bool rows) {
    for (Parameter* p : store.all()) p->trainable = true;
    store.allocate();
    store.initialise(3);
    if (!rows) net.words.rows = nullptr;
  }
  void backward(const std::vector<int32_t>& ids, TableUses uses) {
    Graph g(ws);
    const Tensor table = g.use(net.words);
    const auto n = static_cast<int64_t>(ids.size());
    const auto looked_up = [&] {
      return linear(g, embedding_sum(g, {{table, ids.data()}}, n), g.use(net.head), {});
    };
    const auto product = [&] { return linear(g, table, g.use(net.head), {}); };  // (words, 1)
    const std::vector<double> targets(static_cast<size_t>(kTableRows), 0.25);
    std::vector<Tensor> losses;
    if (uses == TableUses::lookup || uses == TableUses::product_then_lookup)
      losses.push_back(mse(g, looked_up(), targets.data()));
    if (uses != TableUses::lookup) losses.push_back(mse(g, product(), targets.data()));
    if (uses == TableUses::lookup_then_product)
      losses.push_back(mse(g, looked_up(), targets.data()));
    g.backward(losses.size() == 1 ? losses[0] : add(g, losses[0], losses[1]));
  }
  std::vector<Scalar> gradient() const {
    return {store.block().grad, store.block().grad + store.block().size};
  }
};

}  // namespace

TEST_CASE("rows are found, counted, and end with the table") {
  WrittenRows rows(130);
  CHECK(rows.groups() == 3);
  CHECK(rows.count() == 0);
  for (const int64_t row : {0, 63, 64, 129, 64}) rows.add(row);
  CHECK(rows.count() == 4);
  CHECK(rows.has(129));
  CHECK_FALSE(rows.has(128));
  CHECK(rows.end_of(2) == 130);
  rows.add_all();
  CHECK(rows.count() == 130);
  rows.clear();
  CHECK(rows.count() == 0);
  WrittenRows full(128);
  full.add_all();
  CHECK(full.count() == 128);
}

TEST_CASE(
    "a table's gradient is the same whether its rows are known or not, over any sequence of uses") {
  TableModel sparse(true), dense(false);
  CHECK(sparse.store.block().tables.size() == 1);
  Random random(5);
  for (int step = 0; step < 40; ++step) {
    const auto uses = static_cast<TableUses>(random.below(4));
    const int parts = 1 + static_cast<int>(random.below(3));
    CAPTURE(step);
    sparse.store.clear_gradients();
    dense.store.clear_gradients();
    for (int part = 0; part < parts; ++part) {
      std::vector<int32_t> ids(1 + random.below(40));
      for (int32_t& id : ids) id = static_cast<int32_t>(random.below(kTableRows));
      sparse.backward(ids, uses);
      dense.backward(ids, uses);
    }
    if (random.below(5) == 0) {  // an update that got nothing
      sparse.store.clear_gradients();
      dense.store.clear_gradients();
    }
    sparse.store.settle_gradients();
    dense.store.settle_gradients();
    const auto gradient = sparse.gradient();
    REQUIRE(gradient == dense.gradient());
    for (int64_t row = 0; row < kTableRows; ++row)
      for (int64_t c = 0; c < kTableCols && !sparse.net.words.rows->has(row); ++c)
        REQUIRE(sparse.net.words.grad[row * kTableCols + c] == 0);
  }
}

TEST_CASE("looking rows up writes these rows and zeroes only those of the time before") {
  TableModel m(true);
  m.backward({3, 99, 3}, TableUses::lookup);
  CHECK(m.net.words.rows->count() == 2);
  // What is outside of the written rows is not touched: were it zeroed, these marks would be gone.
  m.net.words.grad[50 * kTableCols] = 7;
  m.store.clear_gradients();
  m.backward({149}, TableUses::lookup);
  CHECK(m.net.words.rows->count() == 1);
  CHECK(m.net.words.grad[50 * kTableCols] == 7);
  CHECK(m.net.words.grad[3 * kTableCols] == 0);
  CHECK(m.net.words.grad[99 * kTableCols + 12] == 0);
  CHECK(m.net.words.grad[149 * kTableCols] != 0);
}
