// Ops own what their backward reads: ids, rows, segments and labels may change after the call.
#include <doctest/doctest.h>

#include <cstring>
#include <functional>

#include "engine/ops/attention.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"
#include "engine/ops/loss.h"
#include "tests/engine/autograd/support.h"

using namespace engine;
using testing::PoisonedWorkspace;

namespace {

// Everything that the ops below are given besides tensors.
struct Given {
  std::vector<int32_t> ids{3, 0, 3, 1, 2, 0}, rows{5, 0, 0, 2}, asking{1, 2, 4, 5};
  Segments segments{{0, 2, 6}}, queries{{0, 1, 4}};
  std::vector<double> labels{1, 0, 2, 2}, targets{0.5, -1, 0, 2};

  void scribble() {
    for (auto* v : {&ids, &rows, &asking, &segments.starts, &queries.starts})
      std::fill(v->begin(), v->end(), 1 << 20);
    for (auto* v : {&labels, &targets}) std::fill(v->begin(), v->end(), -1e9);
  }
};

using Op = std::function<Tensor(Graph&, const Tensor&, Given&)>;  // of x (6, 3)

struct Case {
  const char* name;
  Op op;
};

const Case kCases[] = {
    {"embedding_sum",
     [](Graph& g, const Tensor& x, Given& a) {
       return embedding_sum(g, {{x, a.ids.data()}, {x, a.ids.data()}}, 6);
     }},
    {"select_rows", [](Graph& g, const Tensor& x, Given& a) { return select_rows(g, x, a.rows); }},
    {"attention", [](Graph& g, const Tensor& x,
                     Given& a) { return attention(g, x, x, x, a.segments, {.heads = 3}); }},
    {"attention with queries",
     [](Graph& g, const Tensor& x, Given& a) {
       return attention(g, select_rows(g, x, a.rows), x, x, a.segments, {}, {}, {}, &a.queries);
     }},
    {"attention under a mask",
     [](Graph& g, const Tensor& x, Given& a) {
       return attention(g, select_rows(g, x, a.asking), x, x, a.segments,
                        {.causal = true, .block = 2}, {}, {}, &a.queries, &a.asking);
     }},
    {"cross_entropy",
     [](Graph& g, const Tensor& x, Given& a) {
       return cross_entropy(g, select_rows(g, x, a.rows), a.labels.data());
     }},
    {"mse",
     [](Graph& g, const Tensor& x, Given& a) {
       return mse(g, select_columns(g, select_rows(g, x, a.rows), 1, 1), a.targets.data());
     }},
};

// The gradient of x with a dy that differs from element to element.
Matrix gradient(PoisonedWorkspace& ws, const Op& op, bool scribble) {
  Given given;
  Graph g(ws);
  const Tensor x = g.input(ws.tensor({6, 3}));
  Tensor y = op(g, x, given);
  if (scribble) given.scribble();
  const Tensor ghost = y.ghost();
  y = Tensor();
  g.backward(g.record("rest", g.scalar(0), {ghost}, [=](Backward& bw) {
    RowMap(bw.into(ghost).data, ghost.size()).setLinSpaced(Scalar(-1), Scalar(2));
  }));
  return g.grad(x).mat();
}

}  // namespace

TEST_CASE("what an op was given may be overwritten before backward") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    PoisonedWorkspace ws;
    const Matrix kept = gradient(ws, c.op, false), scribbled = gradient(ws, c.op, true);
    CHECK(kept.allFinite());
    CHECK(std::memcmp(kept.data(), scribbled.data(), sizeof(Scalar) * size_t(kept.size())) == 0);
  }
}

TEST_CASE("what is held lives as long as the graph, and costs nothing where nothing is needed") {
  Workspace ws;
  Graph g(ws);
  std::vector<int32_t> numbers(100000);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int32_t>(i);
  const int32_t* first = g.hold(std::span<const int32_t>(numbers), true);
  std::fill(numbers.begin(), numbers.end(), -1);
  const int32_t* second = g.hold(std::span<const int32_t>(numbers), true);
  CHECK(first[0] == 0);
  CHECK(first[99999] == 99999);
  CHECK(second[99999] == -1);
  CHECK(g.hold(std::span<const int32_t>(numbers), false) == nullptr);
}
