#include "bench/needed.h"

#include <algorithm>
#include <unordered_map>

namespace bench {
namespace {

// What is known of a value: how many of its rows reach the loss, and whether it needs a gradient.
struct Value {
  engine::Shape shape;
  double live_rows = 0;
  bool gradient = false;
  const engine::Leaf* leaf = nullptr;
  double live() const { return shape.rows > 0 ? live_rows / static_cast<double>(shape.rows) : 0; }
};

using Values = std::unordered_map<int32_t, Value>;

// Attention: inputs q, k, v and maybe the prefix's keys and values; two products forward. `live` is
// the part of the queries that is read.
void attention(const engine::TraceEntry& e, Values& values, double live, NeededFlops& needed) {
  const auto input = [&](size_t i) { return i < e.inputs.size() ? values[e.inputs[i]] : Value(); };
  const Value q = input(0), k = input(1), v = input(2), pk = input(3), pv = input(4);
  const double all = e.flops / 2 * live;  // of a product
  const double front = 2.0 * static_cast<double>(q.shape.size()) *
                       static_cast<double>(pk.shape.rows) * live,
               own = all - front;
  needed.forward += 2 * all;
  if (q.gradient || k.gradient || pk.gradient) needed.backward += all;    // dP = dO V^T
  if (q.gradient) needed.backward += all;                                 // dQ
  needed.backward += (k.gradient ? own : 0) + (pk.gradient ? front : 0);  // dK
  needed.backward += (v.gradient ? own : 0) + (pv.gradient ? front : 0);  // dV
}

// Any op that multiplies by matrices among its leaves: linear layers, fused or not, and low-rank
// updates.
void linear(const engine::TraceEntry& e, Values& values, double live, NeededFlops& needed) {
  needed.forward += e.flops * live;
  const double rows = 2.0 * static_cast<double>(e.shape.rows) * live;
  const bool low_rank = e.op == "low_rank_add";
  const Value& x = values[e.inputs[low_rank ? 1 : 0]];
  for (const int32_t id : e.inputs) {
    const Value& w = values[id];
    const bool bias = !low_rank && w.shape == engine::Shape{1, e.shape.cols};
    if (!w.leaf || bias || &w == &x) continue;
    const double product = rows * static_cast<double>(w.shape.size());
    if (w.gradient) needed.backward += product;
    if (low_rank) {
      const bool up =
          id ==
          e.inputs.back();  // dt = dy B wherever anything below B trains, dx = dt A where x does
      if (up || x.gradient) needed.backward += product;
    } else if (x.gradient) {
      needed.backward += product;
    }
  }
}

}  // namespace

NeededFlops needed_flops(const engine::Trace& trace) {
  Values values;
  for (const engine::TraceEntry& e : trace) values[e.output] = {e.shape, 0, e.recorded, e.leaf};
  NeededFlops needed;
  if (trace.empty()) return needed;
  values[trace.back().output].live_rows = static_cast<double>(trace.back().shape.rows);
  for (size_t i = trace.size(); i-- > 0;) {
    const engine::TraceEntry& e = trace[i];
    if (e.leaf) continue;
    const Value y = values[e.output];
    for (size_t at = 0; at < e.inputs.size(); ++at) {
      Value& x = values[e.inputs[at]];
      double rows =
          x.live() < 1 ? y.live_rows : x.live_rows;  // row by row: a row of y needs that row of x
      if (x.shape.rows != y.shape.rows)
        rows = e.op == "select_rows" ? y.live_rows : static_cast<double>(x.shape.rows);
      if (e.op == "attention" && at > 0)
        rows = static_cast<double>(x.shape.rows);  // keys and values of every token
      x.live_rows = std::max(x.live_rows, std::min(rows, static_cast<double>(x.shape.rows)));
    }
    if (e.flops == 0) continue;
    if (e.op == "attention")
      attention(e, values, y.live(), needed);
    else
      linear(e, values, y.live(), needed);
  }
  return needed;
}

}  // namespace bench
