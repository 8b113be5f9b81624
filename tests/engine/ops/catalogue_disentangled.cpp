// DeBERTa's attention, beside a composition that looks up a row for every pair of tokens.
#include <cmath>

#include "engine/ops/disentangled_attention.h"
#include "engine/ops/elementwise.h"
#include "tests/engine/ops/catalogue_parts.h"
#include "tests/engine/ops/naive.h"

namespace catalogue {

using namespace engine;

namespace {

struct DisentangledSize {
  std::vector<int32_t> lengths;
  int64_t width;  // of a head
  DisentangledOptions options;
  bool keys = true, queries = true;    // the two tables
  std::vector<int32_t> asking = {};    // rows of k; empty: all
  std::vector<int32_t> asked_of = {};  // how many of them in each sequence
};

struct DisentangledCase {
  DisentangledSize a;
  Segments segments, queries;

  explicit DisentangledCase(const DisentangledSize& size) : a(size) {
    for (const int32_t n : a.lengths) segments.add(n);
    if (a.asking.empty()) {
      a.asked_of = a.lengths;
      for (int32_t i = 0; i < segments.rows(); ++i) a.asking.push_back(i);
    }
    for (const int32_t n : a.asked_of) queries.add(n);
  }
  int y_input() const { return a.keys ? 4 : 3; }
};

// One query at a time.
Tensor composed(Graph& g, In t, const DisentangledCase& c) {
  const DisentangledSize& a = c.a;
  const Tensor ones = g.make({a.width, 1});
  ones.flat().setOnes();
  const double terms = 1 + a.keys + a.queries;
  const auto factor = static_cast<Scalar>(1 / std::sqrt(terms * static_cast<double>(a.width)));
  Tensor y;
  for (int s = 0; s < c.segments.count(); ++s)
    for (int h = 0; h < a.options.heads; ++h) {
      std::vector<int32_t> own;
      for (int32_t j = 0; j < c.segments.length(s); ++j) own.push_back(c.segments.begin(s) + j);
      const auto head = [&](const Tensor& x, const std::vector<int32_t>& rows) {
        return select_columns(g, select_rows(g, x, rows), h * a.width, a.width);
      };
      const Tensor k = head(t[1], own), v = head(t[2], own);
      for (int32_t i = 0; i < c.queries.length(s); ++i) {
        const int32_t at = c.queries.begin(s) + i;
        const int32_t position = a.asking[static_cast<size_t>(at)] - c.segments.begin(s);
        std::vector<int32_t> rows;
        for (int32_t j = 0; j < c.segments.length(s); ++j)
          rows.push_back(a.options.distances.row(position - j));
        const Tensor q = head(t[0], {at});
        const auto against = [&](const Tensor& x) {
          return naive::matmul(g, q, naive::transpose(g, x));
        };
        Tensor scores = against(k);
        if (a.keys) scores = add(g, std::move(scores), against(head(t[3], rows)));
        if (a.queries) {
          const Tensor y_rows = head(t[static_cast<size_t>(c.y_input())], rows);
          scores = add(g, std::move(scores),
                       naive::transpose(g, naive::matmul(g, naive::multiply(g, k, y_rows), ones)));
        }
        const Tensor p = naive::softmax(g, scale(g, std::move(scores), factor),
                                        [](int64_t, int64_t) { return true; });
        const Tensor o = naive::place(g, naive::matmul(g, p, v), t[0].shape(), at, h * a.width);
        y = y ? add(g, std::move(y), o) : o;
      }
    }
  return y;
}

void add_disentangled(Cases& out, const DisentangledSize& size) {
  const DisentangledCase k(size);
  const DisentangledSize& a = k.a;
  const int64_t n = k.segments.rows(), asks = k.queries.rows(), d = a.options.heads * a.width,
                table = 2 * a.options.distances.span;
  OpCase c;
  std::string lengths;
  for (const int32_t each : a.lengths)
    lengths += (lengths.empty() ? "" : "+") + std::to_string(each);
  c.name =
      concat("disentangled_attention ", lengths, " tokens, ", a.options.heads, " heads of ",
             a.width, ", ", table, " rows", a.keys ? ", keys of distances" : "",
             a.queries ? ", queries of distances" : "", asks < n ? concat(", ", asks, " ask") : "",
             a.options.dropout > 0 ? ", dropout" : "");
  c.shapes = {{asks, d}, {n, d}, {n, d}};
  if (a.keys) c.shapes.push_back({table, d});
  if (a.queries) c.shapes.push_back({table, d});
  const bool some = asks < n;
  c.call = [k, some](Graph& g, In t) {
    return disentangled_attention(g, t[0], t[1], t[2], k.a.keys ? t[3] : Tensor(),
                                  k.a.queries ? t[static_cast<size_t>(k.y_input())] : Tensor(),
                                  k.segments, k.a.options, some ? &k.queries : nullptr,
                                  some ? &k.a.asking : nullptr);
  };
  if (a.options.dropout == 0) c.twin = [k](Graph& g, In t) { return composed(g, t, k); };
  if (a.options.dropout > 0) c.options = dropping();
  c.cost = [=](Mask m) {
    double pairs = 0, asked_rows = 0, known_rows = 0;
    for (int s = 0; s < k.segments.count(); ++s) {
      const int64_t length = k.segments.length(s);
      const auto reached =
          double(a.options.distances.row(length - 1) - a.options.distances.row(1 - length) + 1);
      pairs += 2.0 * double(d) * double(length) * double(k.queries.length(s));
      if (a.keys) asked_rows += 2.0 * double(d) * reached * double(k.queries.length(s));
      if (a.queries) known_rows += 2.0 * double(d) * reached * double(length);
    }
    const int y_at = k.y_input();
    const bool x = a.keys && has(m, 3), y = a.queries && has(m, y_at), q = has(m, 0),
               keys = has(m, 1), values = has(m, 2), scores = q || keys || x || y;
    Cost cost = keeps(asks * d + n * d + (scores ? n * d : 0) + asks * a.options.heads +
                      (a.keys ? table * d : 0) + (a.queries ? table * d : 0));
    const int making = 1 + a.keys + a.queries;
    cost.forward = products(making + 1, 2 * pairs + asked_rows + known_rows);
    cost.recomputed = products(making, pairs + asked_rows + known_rows);
    const auto into = [&](bool wanted, double flops) {
      if (!wanted) return;
      ++cost.input_gradient.calls;
      cost.input_gradient.flops += flops;
    };
    into(scores, pairs);
    into(values, pairs);
    into(q, pairs);
    into(keys, pairs);
    into(q && a.keys, asked_rows);
    into(keys && a.queries, known_rows);
    into(x, asked_rows);
    into(y, known_rows);
    return cost;
  };
  c.blas = true;
  out.push_back(c);
}

}  // namespace

void add_small_disentangled_cases(Cases& out) {
  const DistanceRows plain{.span = 6}, buckets{.span = 4, .buckets = 4, .longest = 9};
  for (const bool keys : {true, false})
    for (const bool queries : {true, false})
      add_disentangled(out, {{3, 1, 4}, 2, {.heads = 2, .distances = plain}, keys, queries});
  add_disentangled(out, {{1, 9, 2}, 3, {.heads = 1, .distances = buckets}});
  add_disentangled(out, {{4, 3}, 3, {.heads = 2, .dropout = 0.3, .distances = buckets}});
  add_disentangled(
      out,
      {{4, 1, 5}, 2, {.heads = 2, .distances = buckets}, true, true, {0, 2, 5, 6, 9}, {2, 0, 3}});
}

void add_large_disentangled_cases(Cases& out) {
  add_disentangled(out,
                   {{33, 5, 64, 17}, 16, {.heads = 3, .dropout = 0.1, .distances = {16, 16, 64}}});
}

}  // namespace catalogue
