#include "tests/engine/ops/catalogue.h"

#include <memory>
#include <numeric>

#include "engine/base/philox.h"
#include "engine/ops/activation.h"
#include "engine/ops/dora.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "tests/engine/ops/catalogue_parts.h"
#include "tests/engine/ops/naive.h"

namespace catalogue {

using namespace engine;

namespace {

double away_from_zero(double x) {
  return x < 0 ? x - 0.05 : x + 0.05;
}  // relu has no derivative at 0

void add_activation(Cases& out, int64_t n, int64_t d, Activation act) {
  OpCase c;
  c.name = concat(activation_name(act), " ", n, " x ", d);
  c.shapes = {{n, d}};
  c.call = [=](Graph& g, In t) { return activation(g, t[0], act); };
  c.cost = [=](Mask) { return keeps(n * d); };
  if (act == Activation::relu) c.value = away_from_zero;
  out.push_back(c);
}

void add_layer_norm(Cases& out, int64_t n, int64_t d, Scalar eps, bool bias = true) {
  OpCase c;
  c.name = concat("layer_norm ", n, " x ", d, ", eps ", eps, bias ? "" : ", no bias");
  c.shapes = {{n, d}, {1, d}};
  if (bias) c.shapes.push_back({1, d});
  c.call = [=](Graph& g, In t) { return layer_norm(g, t[0], t[1], bias ? t[2] : Tensor(), eps); };
  c.cost = [=](Mask m) {
    return keeps(has(m, 0) || has(m, 1) ? n * d + 2 * n : 0);
  };  // x, mean and rstd; a bias keeps nothing
  out.push_back(c);
}

void add_add_layer_norm(Cases& out, int64_t n, int64_t d, double p) {
  OpCase c;
  c.name = concat("add_layer_norm ", n, " x ", d, p > 0 ? ", dropout" : "");
  c.shapes = {{n, d}, {n, d}, {1, d}, {1, d}};  // h, residual, w, b
  c.call = [=](Graph& g, In t) {
    return add_layer_norm(g, t[0], t[1], t[2], t[3], Scalar(1e-3), p);
  };
  c.twin = [=](Graph& g, In t) {
    return layer_norm(g, add(g, dropout(g, naive::copy(g, t[0]), p), t[1]), t[2], t[3],
                      Scalar(1e-3));
  };
  c.cost = [=](Mask m) { return keeps(m & 7 ? n * d + 2 * n : 0); };
  if (p > 0) c.options = dropping();
  out.push_back(c);
}

void add_dropout(Cases& out, int64_t n, int64_t d, double p) {
  OpCase c;
  c.name = concat("dropout ", n, " x ", d);
  c.shapes = {{n, d}};
  c.call = [=](Graph& g, In t) { return dropout(g, t[0], p); };
  c.cost = [=](Mask) { return keeps(0); };  // the mask is made again
  c.options = dropping();
  out.push_back(c);
}

void add_elementwise(Cases& out, int64_t n, int64_t d) {
  OpCase c;
  c.name = concat("add ", n, " x ", d);
  c.shapes = {{n, d}, {n, d}};
  c.call = [](Graph& g, In t) { return add(g, t[0], t[1]); };
  c.cost = [](Mask) { return keeps(0); };
  out.push_back(c);

  c.name = concat("add over what was given away ", n, " x ", d);
  c.call = [](Graph& g, In t) { return add(g, scale(g, t[0], 1), t[1]); };
  c.twin = [](Graph& g, In t) { return add(g, t[0], t[1]); };
  out.push_back(c);

  c.name = concat("scale ", n, " x ", d);
  c.shapes = {{n, d}};
  c.call = [](Graph& g, In t) { return scale(g, t[0], Scalar(-1.25)); };
  c.twin = nullptr;
  out.push_back(c);

  c.name = concat("add to itself ", n, " x ", d);
  c.call = [](Graph& g, In t) { return add(g, t[0], t[0]); };
  c.twin = [](Graph& g, In t) { return scale(g, t[0], 2); };
  out.push_back(c);
  c.twin = nullptr;

  c.name = concat("select_columns ", n, " x ", d);
  c.call = [=](Graph& g, In t) { return select_columns(g, t[0], d / 3, d - d / 3 - d / 4); };
  out.push_back(c);

  std::vector<int32_t> rows;
  for (int64_t i = 0; i < n; ++i)
    rows.insert(rows.end(), static_cast<size_t>(i % 3), static_cast<int32_t>(n - 1 - i));
  rows.push_back(0);  // some rows twice, some never
  c.name = concat("select_rows ", n, " x ", d);
  c.call = [=](Graph& g, In t) { return select_rows(g, t[0], rows); };
  out.push_back(c);

  for (const bool as_row : {true, false}) {
    c.name = concat("column_scale ", n, " x ", d, as_row ? "" : ", l is a column");
    c.shapes = {{n, d}, as_row ? Shape{1, d} : Shape{d, 1}};
    c.call = [](Graph& g, In t) { return column_scale(g, t[0], t[1]); };
    c.cost = [=](Mask m) { return keeps(has(m, 1) ? n * d : 0); };
    out.push_back(c);
  }
}

void add_mean_rows(Cases& out, const std::vector<int32_t>& lengths, int64_t d) {
  OpCase c;
  Segments segments;
  for (const int32_t n : lengths) segments.add(n);
  c.name = concat("mean_rows ", segments.count(), " sequences, ", segments.rows(), " x ", d);
  c.shapes = {{segments.rows(), d}};
  c.call = [=](Graph& g, In t) { return mean_rows(g, t[0], segments); };
  c.cost = [](Mask) { return keeps(0); };
  out.push_back(c);
}

// Some ids are negative: no row.
void add_sparse_embedding(Cases& out, int64_t n, int64_t entries, int64_t d) {
  OpCase c;
  c.name = concat("embedding_sum, sparse, ", n, " ids of ", entries, " x ", d);
  c.shapes = {{entries, d}, {entries, d}};
  auto first = std::make_shared<std::vector<int32_t>>(), second = first;
  second = std::make_shared<std::vector<int32_t>>();
  for (int32_t i = 0; i < n; ++i) {
    first->push_back(i % 3 == 0 ? -1 - i : i % static_cast<int32_t>(entries));
    second->push_back(i % 3 == 0 ? i % static_cast<int32_t>(entries) : -1);
  }
  c.call = [=](Graph& g, In t) {
    return embedding_sum(g, {{t[0], first->data(), true}, {t[1], second->data(), true}}, n);
  };
  c.cost = [](Mask) { return keeps(0); };
  out.push_back(c);
}

void add_embedding(Cases& out, int64_t n, int64_t entries, int64_t d, size_t tables) {
  OpCase c;
  c.name = concat("embedding_sum of ", tables, ", ", n, " ids of ", entries, " x ", d);
  auto ids = std::make_shared<std::vector<std::vector<int32_t>>>();
  Random random(7);
  for (size_t k = 0; k < tables; ++k) {
    const int64_t rows = entries + static_cast<int64_t>(k);
    c.shapes.push_back({rows, d});
    auto& list = ids->emplace_back();
    for (int64_t i = 0; i < n; ++i)
      list.push_back(
          static_cast<int32_t>(random.below(static_cast<uint64_t>((rows + 1) / 2))));  // repeated
    list[0] = static_cast<int32_t>(rows - 1);
  }
  c.call = [=](Graph& g, In t) {
    const auto at = [&](size_t k) { return (*ids)[k].data(); };
    if (tables == 1) return embedding_sum(g, {{t[0], at(0)}}, n);
    if (tables == 2) return embedding_sum(g, {{t[0], at(0)}, {t[1], at(1)}}, n);
    if (tables == 3) return embedding_sum(g, {{t[0], at(0)}, {t[1], at(1)}, {t[2], at(2)}}, n);
    return embedding_sum(g, {{t[0], at(0)}, {t[1], at(1)}, {t[2], at(2)}, {t[3], at(3)}}, n);
  };
  c.twin = [=](Graph& g, In t) {
    Tensor y = select_rows(g, t[0], (*ids)[0]);
    for (size_t k = 1; k < tables; ++k) y = add(g, std::move(y), select_rows(g, t[k], (*ids)[k]));
    return y;
  };
  c.cost = [](Mask) { return keeps(0); };
  out.push_back(c);
}

constexpr Activation kActivations[] = {Activation::gelu, Activation::gelu_tanh, Activation::relu,
                                       Activation::silu, Activation::tanh};

Cases make_small() {
  Cases out;
  for (const auto& [n, in, o] : std::initializer_list<std::array<int64_t, 3>>{
           {1, 1, 1}, {1, 5, 3}, {4, 1, 17}, {17, 5, 1}, {3, 17, 4}})
    for (const bool bias : {true, false}) add_linear(out, n, in, o, bias);
  for (const Activation act : kActivations) {
    if (act != Activation::relu) {  // a product may land at its kink
      add_linear_activation(out, 3, 4, 17, true, act);
      add_linear_activation(out, 1, 3, 1, false, act);
    }
    add_activation(out, 1, 1, act);
    add_activation(out, 3, 17, act);
    add_activation(out, 5, 65, act);
  }
  for (const double p : {0.0, 0.25}) {
    add_low_rank(out, 5, 6, 2, 3, p);
    add_low_rank(out, 1, 17, 1, 1, p);
    for (const int64_t begin : {0, 2, 3}) add_low_rank(out, 4, 6, 2, 5, p, begin);
    add_low_rank(out, 7, 13, 4, 5, p);  // the mask's block of 64 ends inside a row
    add_add_layer_norm(out, 1, 5, p);
    add_add_layer_norm(out, 4, 17, p);
    add_add_layer_norm(out, 3, 65, p);
  }
  for (const bool bias : {false, true}) {
    add_rescale(out, 5, 7, bias);
    for (const int64_t begin : {0, 2, 3}) add_rescale(out, 4, 5, bias, begin);
  }
  for (const auto& [n, d] :
       std::initializer_list<std::array<int64_t, 2>>{{1, 2}, {5, 3}, {2, 65}, {17, 8}})
    add_layer_norm(out, n, d, Scalar(1e-3));
  add_layer_norm(out, 3, 5, Scalar(1e-3), false);
  add_layer_norm(out, 3, 1, 1);  // one column: y is b
  add_dropout(out, 1, 1, 0.5);
  add_dropout(out, 3, 43, 0.25);
  add_elementwise(out, 1, 3);
  add_elementwise(out, 17, 5);
  add_elementwise(out, 5, 17);
  for (size_t tables = 1; tables <= 4; ++tables) add_embedding(out, 7, 6, 5, tables);
  add_embedding(out, 1, 3, 17, 2);
  add_sparse_embedding(out, 7, 4, 5);
  add_mean_rows(out, {3, 1, 5}, 4);
  add_small_attention_cases(out);
  add_small_disentangled_cases(out);
  add_small_loss_cases(out);
  add_small_decoder_cases(out);
  return out;
}

Cases make_large() {
  Cases out;
  add_linear(out, 129, 65, 257, true);
  add_linear_activation(out, 129, 65, 257, true, Activation::gelu);
  add_low_rank(out, 257, 129, 8, 65, 0.1);
  add_rescale(out, 257, 129, true);
  for (const Activation act : kActivations) add_activation(out, 129, 257, act);
  add_layer_norm(out, 257, 129, Scalar(1e-5));
  add_add_layer_norm(out, 257, 129, 0.1);
  add_add_layer_norm(out, 257, 128, 0.1);
  add_dropout(out, 129, 257, 0.1);
  add_elementwise(out, 129, 257);
  add_embedding(out, 257, 130, 129, 3);
  add_mean_rows(out, {100, 1, 156}, 129);
  add_large_attention_cases(out);
  add_large_disentangled_cases(out);
  add_large_loss_cases(out);
  add_large_decoder_cases(out);
  return out;
}

}  // namespace

const std::vector<OpCase>& small_cases() {
  static const Cases cases = make_small();
  return cases;
}
const std::vector<OpCase>& large_cases() {
  static const Cases cases = make_large();
  return cases;
}

std::vector<OpCase> model_cases(const ModelSizes& s) {
  Cases out;
  const auto sequences = static_cast<int64_t>(s.lengths.size());
  const int64_t n = std::accumulate(s.lengths.begin(), s.lengths.end(), int64_t{0}),
                width = s.hidden / s.heads;
  add_linear(out, n, s.hidden, s.hidden, true);
  add_linear_activation(out, n, s.hidden, s.ffn, true, Activation::gelu);
  add_linear(out, n, s.ffn, s.hidden, true);
  if (s.embedding != s.hidden) add_linear(out, n, s.embedding, s.hidden, true);
  add_linear_activation(out, sequences, s.hidden, s.hidden, true, Activation::tanh);  // pooler
  add_linear(out, sequences, s.hidden, 2, true);                                      // classifier
  add_linear_activation(out, n, s.hidden, 64, true, Activation::gelu);                // adapter
  add_linear(out, n, 64, s.hidden, true);
  add_low_rank(out, n, s.hidden, 8, s.hidden, 0);
  add_attention(out, {s.lengths, width, {.heads = s.heads, .dropout = 0.1}});
  add_attention(out, {s.lengths, width, {.heads = s.heads, .dropout = 0.1}, 20});
  add_add_layer_norm(out, n, s.hidden, 0.1);
  add_layer_norm(out, n, s.embedding, Scalar(1e-12));
  add_activation(out, n, s.ffn, Activation::gelu);
  add_dropout(out, n, s.hidden, 0.1);
  add_elementwise(out, n, s.hidden);
  add_embedding(out, n, s.vocab, s.embedding, 1);
  add_cross_entropy(out, sequences, 2, 0);
  return out;
}

std::vector<Tensor> OpCase::inputs(Workspace& ws, uint64_t key) const {
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < shapes.size(); ++i) {
    Tensor t(shapes[i],
             BlockRef(ws.pool.take(static_cast<size_t>(shapes[i].size()) * sizeof(Scalar))));
    Random random(mix(mix(name_key(name), key), i));
    for (int64_t e = 0; e < t.size(); ++e) {
      const double x = random.normal();
      t.data()[e] = static_cast<Scalar>(value ? value(x) : x);
    }
    tensors.push_back(t);
  }
  return tensors;
}

GradcheckOptions OpCase::gradcheck_options() const {
  GradcheckOptions o;
  o.graph = options;
  return o;
}

std::vector<bool> bits(Mask mask, size_t count) {
  std::vector<bool> b(count);
  for (size_t i = 0; i < count; ++i) b[i] = has(mask, static_cast<int>(i));
  return b;
}

}  // namespace catalogue
