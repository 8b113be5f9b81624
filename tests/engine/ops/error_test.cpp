// What each op says when it is used wrongly: where, what was found, what to do.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/ops/activation.h"
#include "engine/ops/attention.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "tests/engine/autograd/support.h"

using namespace engine;
using testing::PoisonedWorkspace;

TEST_CASE("shapes that do not fit") {
  PoisonedWorkspace ws;
  Graph g(ws);
  const auto t = [&](int64_t r, int64_t c) { return ws.tensor({r, c}); };
  CHECK_THROWS_WITH_AS(linear(g, t(2, 3), t(4, 5), {}),
                       "linear: input (2, 3) does not fit weight (4, 5)", Error);
  CHECK_THROWS_WITH_AS(linear(g, t(2, 3), t(4, 3), t(1, 3)),
                       "linear: bias (1, 3) does not fit weight (4, 3)", Error);
  CHECK_THROWS_WITH_AS(linear_activation(g, t(2, 3), t(4, 5), {}, Activation::gelu),
                       "linear_activation: input (2, 3) does not fit weight (4, 5)", Error);
  CHECK_THROWS_WITH_AS(low_rank_add(g, t(2, 4), t(2, 3), t(2, 5), t(4, 2), 1, 0),
                       "low_rank_add: input (2, 3) does not fit A (2, 5) and B (4, 2)", Error);
  CHECK_THROWS_WITH_AS(low_rank_add(g, t(2, 5), t(2, 3), t(2, 3), t(4, 2), 1, 0),
                       "low_rank_add: y (2, 5) does not fit x (2, 3) and B (4, 2)", Error);
  CHECK_THROWS_WITH_AS(low_rank_add(g, t(2, 5), t(2, 3), t(2, 3), t(4, 2), 1, 0, 2),
                       "low_rank_add: y (2, 5) does not fit x (2, 3) and B (4, 2)", Error);
  CHECK_THROWS_WITH_AS(layer_norm(g, t(2, 3), t(1, 4), t(1, 3), 1),
                       "layer_norm: weight (1, 4) and bias (1, 3) do not fit input (2, 3)", Error);
  CHECK_THROWS_WITH_AS(add_layer_norm(g, t(2, 3), t(3, 3), t(1, 3), t(1, 3), 1, 0),
                       "add_layer_norm: (2, 3) and residual (3, 3) differ", Error);
  CHECK_THROWS_WITH_AS(add(g, t(2, 3), t(3, 2)), "add: (2, 3) and (3, 2) differ", Error);
  CHECK_THROWS_WITH_AS(column_scale(g, t(2, 3), t(1, 2)),
                       "column_scale: scale (1, 2) does not fit input (2, 3)", Error);
  CHECK_THROWS_WITH_AS(select_columns(g, t(2, 3), 1, 3),
                       "select_columns: columns 1 to 4 of a tensor of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(select_rows(g, t(2, 3), {0, 2}),
                       "select_rows: row 2 of a tensor of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(select_rows(g, t(2, 3), {-1}),
                       "select_rows: row -1 of a tensor of shape (2, 3)", Error);
  CHECK_THROWS_AS(mse(g, t(2, 3), nullptr), Error);
}

TEST_CASE("attention's arguments") {
  PoisonedWorkspace ws;
  Graph g(ws, [] {
    GraphOptions o;
    o.dropout = true;
    return o;
  }());
  const Tensor x = ws.tensor({3, 4}), prefix = ws.tensor({2, 4}), narrow = ws.tensor({2, 3});
  Segments segments;
  segments.add(3);
  Segments four;
  four.add(4);
  AttentionOptions options;
  options.heads = 3;
  CHECK_THROWS_WITH_AS(attention(g, x, x, x, segments, options),
                       "attention: 4 columns do not divide into 3 heads", Error);
  options.heads = 2;
  CHECK_THROWS_WITH_AS(attention(g, x, x, x, four, options),
                       "attention: segments of 4 rows for k (3, 4)", Error);
  CHECK_THROWS_AS(attention(g, x, x, prefix, segments, options), Error);
  CHECK_THROWS_AS(attention(g, x, x, x, segments, options, prefix), Error);
  CHECK_THROWS_AS(attention(g, x, x, x, segments, options, narrow, narrow), Error);
  options.dropout = 1;  // was an exception inside the thread team, which ends the process
  CHECK_THROWS_WITH_AS(attention(g, x, x, x, segments, options),
                       "attention: dropout 1 is not in [0, 1)", Error);
  CHECK_THROWS_WITH_AS(dropout(g, x, 1), "dropout: probability 1 is not in [0, 1)", Error);
}

TEST_CASE("ids and labels out of range") {
  PoisonedWorkspace ws;
  Graph g(ws);
  const Tensor table = ws.tensor({5, 3}), wide = ws.tensor({5, 4}), logits = ws.tensor({2, 3});
  const int32_t ids[] = {0, 5}, negative[] = {0, -1}, good[] = {4, 0};
  CHECK_THROWS_WITH(
      embedding_sum(g, {{table, ids}}, 2),
      doctest::Contains("embedding_sum: id 5 at position 1 is outside a table of 5 rows\nhint: "));
  CHECK_THROWS_AS(embedding_sum(g, {{table, negative}}, 2), Error);
  CHECK_THROWS_AS(embedding_sum(g, {{table, good}, {wide, good}}, 2), Error);
  CHECK_THROWS_AS(embedding_sum(g, {}, 2), Error);
  CHECK_THROWS_AS(
      embedding_sum(g, {{table, good}, {table, good}, {table, good}, {table, good}, {table, good}},
                    2),
      Error);
  const double high[] = {0, 3}, half[] = {0, 0.5}, below[] = {0, -100}, fine[] = {0, 2},
               nan[] = {0, std::nan("")};
  CHECK_THROWS_WITH(cross_entropy(g, logits, high),
                    "cross_entropy: label 3 of row 1 is not one of 3 classes\nhint: the model's "
                    "num_labels must fit the task");
  CHECK_THROWS_AS(cross_entropy(g, logits, half), Error);
  CHECK_THROWS_AS(cross_entropy(g, logits, below), Error);
  CHECK_THROWS_AS(cross_entropy(g, logits, nan), Error);
  CHECK_THROWS_AS(cross_entropy(g, logits, fine, 1), Error);
  CHECK_THROWS_AS(cross_entropy(g, logits, fine, -0.1), Error);
  CHECK_THROWS_AS(cross_entropy(g, Tensor(Shape{0, 3}, logits.data()), fine), Error);
  CHECK_NOTHROW(cross_entropy(g, logits, fine));
}

TEST_CASE("activations by name") {
  for (const Activation act : {Activation::gelu, Activation::gelu_tanh, Activation::relu,
                               Activation::silu, Activation::tanh})
    CHECK(activation_from_name(activation_name(act)) == act);
  CHECK(activation_from_name("swish") == Activation::silu);
  CHECK(activation_from_name("gelu_pytorch_tanh") == Activation::gelu_tanh);
  CHECK_THROWS_WITH(activation_from_name("mish"),
                    doctest::Contains("activation: unknown activation 'mish'\nhint: "));
}
