#include "engine/ops/activation.h"
#include "engine/ops/dora.h"
#include "engine/ops/linear.h"
#include "tests/engine/ops/catalogue_parts.h"
#include "tests/engine/ops/naive.h"

namespace catalogue {

using namespace engine;

void add_linear(Cases& out, int64_t n, int64_t in, int64_t o, bool bias) {
  OpCase c;
  c.name = concat("linear ", n, " x ", in, " -> ", o, bias ? "" : ", no bias");
  c.shapes = {{n, in}, {o, in}};
  if (bias) c.shapes.push_back({1, o});
  c.call = [=](Graph& g, In t) { return linear(g, t[0], t[1], bias ? t[2] : Tensor()); };
  const double flops = 2.0 * n * in * o;
  c.cost = [=](Mask m) {
    Cost cost = keeps(has(m, 1) ? n * in : 0);  // x, for the weight only
    cost.forward = products(1, flops);
    if (has(m, 0)) cost.input_gradient = products(1, flops);
    if (has(m, 1)) cost.weight_gradient = products(1, flops);
    return cost;
  };
  c.blas = true;
  out.push_back(c);
}

void add_linear_activation(Cases& out, int64_t n, int64_t in, int64_t o, bool bias,
                           Activation act) {
  add_linear(out, n, in, o, bias);
  OpCase& c = out.back();
  c.name = concat("linear_activation ", activation_name(act), " ", n, " x ", in, " -> ", o,
                  bias ? "" : ", no bias");
  c.call = [=](Graph& g, In t) {
    return linear_activation(g, t[0], t[1], bias ? t[2] : Tensor(), act);
  };
  c.twin = [=](Graph& g, In t) {
    return activation(g, linear(g, t[0], t[1], bias ? t[2] : Tensor()), act);
  };
  c.cost = [=, plain = c.cost](Mask m) {
    Cost cost = plain(m);
    cost.saved_bytes += n * o * kScalar;  // the value before the activation
    return cost;
  };
}

// With `begin`, y has three columns more than the update.
void add_low_rank(Cases& out, int64_t n, int64_t in, int64_t r, int64_t o, double p,
                  int64_t begin) {
  OpCase c;
  const int64_t width = begin < 0 ? o : o + 3;
  c.name = concat("low_rank_add ", n, " x ", in, " -> ", r, " -> ", o, p > 0 ? ", dropout" : "",
                  begin < 0 ? "" : concat(", to columns from ", begin));
  c.shapes = {{n, width}, {n, in}, {r, in}, {o, r}};  // y, x, A, B
  c.call = [=](Graph& g, In t) { return low_rank_add(g, t[0], t[1], t[2], t[3], 1.5, p, begin); };
  c.twin = [=](Graph& g, In t) {
    const Tensor mx = dropout(g, naive::copy(g, t[1]), p);
    Tensor update = scale(g, linear(g, linear(g, mx, t[2], {}), t[3], {}), Scalar(1.5));
    if (begin >= 0) {  // the columns' places, as a product with ones
      const Tensor places = g.make({width, o});
      places.mat().setZero();
      for (int64_t i = 0; i < o; ++i) places.row(begin + i)[i] = 1;
      update = linear(g, update, places, {});
    }
    return add(g, t[0], update);
  };
  c.cost = [=](Mask m) {
    Cost cost = keeps((has(m, 2) ? n * in : 0) + (has(m, 3) ? n * r : 0));
    const double down = 2.0 * n * in * r, up = 2.0 * n * r * o;
    cost.forward = products(2, down + up);
    if (has(m, 1) || has(m, 2)) cost.input_gradient = products(1, up);
    if (has(m, 1)) cost.input_gradient = products(2, up + down);
    cost.weight_gradient =
        products(has(m, 2) + has(m, 3), (has(m, 2) ? down : 0) + (has(m, 3) ? up : 0));
    return cost;
  };
  if (p > 0) c.options = dropping();
  c.blas = true;
  out.push_back(c);
}

// With `begin`, y has three columns more than magnitudes.
void add_rescale(Cases& out, int64_t n, int64_t o, bool bias, int64_t begin) {
  OpCase c;
  const int64_t width = begin < 0 ? o : o + 3, first = std::max<int64_t>(begin, 0);
  c.name = concat("rescale ", n, " x ", width, bias ? "" : ", no bias",
                  begin < 0 ? "" : concat(", columns from ", begin));
  c.shapes = {{n, width}, {1, o}};  // y, magnitude
  if (bias) c.shapes.push_back({1, width});
  c.call = [=](Graph& g, In t) {
    const Tensor lengths = g.make({1, o});
    for (int64_t i = 0; i < o && !DryRun::on(); ++i)
      lengths.data()[i] = static_cast<Scalar>(0.5 + 0.25 * static_cast<double>(i % 5));
    return rescale(g, t[0], bias ? t[2] : Tensor(), t[1], lengths, first);
  };
  c.cost = [=](Mask m) {
    return keeps((has(m, 1) ? n * width + o + (bias ? width : 0) : 0) +
                 (has(m, 0) || has(m, 2) ? o : 0));
  };
  out.push_back(c);
}

}  // namespace catalogue
