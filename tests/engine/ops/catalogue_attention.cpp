#include <cmath>
#include <memory>

#include "engine/ops/elementwise.h"
#include "tests/engine/ops/catalogue_parts.h"
#include "tests/engine/ops/naive.h"

namespace catalogue {

using namespace engine;

namespace {

// One case's sizes, and which query sees which key.
struct Layout {
  AttentionSize a;
  Segments segments, queries;
  std::vector<int32_t> asking;  // rows of k
  int64_t key_heads;

  explicit Layout(const AttentionSize& size)
      : a(size), key_heads(size.options.key_heads ? size.options.key_heads : size.options.heads) {
    for (size_t s = 0; s < a.lengths.size(); ++s) {
      const int32_t length = a.lengths[s], count = a.queries.empty() ? length : a.queries[s];
      for (int32_t j = 0; j < count; ++j)
        asking.push_back(segments.rows() + (a.spread ? j * length / count : length - count + j));
      segments.add(length);
      queries.add(count);
    }
  }
  int64_t position(int s, int64_t i) const {
    return asking[static_cast<size_t>(queries.begin(s) + i)] - segments.begin(s);
  }
  // Query i of sequence s sees column c of [prefix; keys].
  bool sees(int s, int64_t i, int64_t c) const {
    const int64_t at = a.prefix + position(s, i), window = a.options.window;
    if (a.options.causal) return c <= at && (window == 0 || at - c < window);
    return window == 0 || c < a.prefix || std::abs(at - c) < window;
  }
  // Products are for blocks of queries, with the keys from the first to the last that one sees.
  double computed_pairs() const {
    double pairs = 0;
    const bool masked = a.options.causal || a.options.window > 0;
    for (int s = 0; s < segments.count(); ++s) {
      const int64_t n = queries.length(s), m = segments.length(s);
      const int64_t block = masked && n > a.options.block ? a.options.block : n;
      for (int64_t from = 0; from < n; from += block) {
        const int64_t count = std::min(block, n - from);
        int64_t first = m, last = -1;
        for (int64_t i = from; i < from + count; ++i)
          for (int64_t c = 0; c < m; ++c)
            if (sees(s, i, a.prefix + c)) first = std::min(first, c), last = std::max(last, c);
        pairs += double(count) * double(block == n ? m : last - first + 1);
      }
    }
    return pairs;
  }
};

// (queries, prefix + keys): the table's numbers for one sequence and head, one query at a time.
Tensor composed_bias(Graph& g, const Tensor& table, const Layout& layout, int s, int64_t head) {
  const AttentionSize& a = layout.a;
  const RelativeBias bias{table, a.bidirectional, a.max_distance};
  const Shape shape{layout.queries.length(s), a.prefix + layout.segments.length(s)};
  Tensor all;
  for (int64_t i = 0; i < shape.rows; ++i) {
    std::vector<int32_t> rows;
    for (int64_t c = 0; c < shape.cols; ++c)
      rows.push_back(bias.bucket(c - a.prefix - layout.position(s, i)));
    const Tensor column = select_columns(g, select_rows(g, table, rows), head, 1);
    const Tensor row = naive::place(g, naive::transpose(g, column), shape, i, 0);
    all = all ? add(g, std::move(all), row) : row;
  }
  return all;
}

// Per sequence and head: scores, softmax, mix, put in place.
Tensor composed_attention(Graph& g, In t, const Layout& layout) {
  const AttentionSize& a = layout.a;
  Tensor y;
  for (int s = 0; s < layout.segments.count(); ++s) {
    if (layout.queries.length(s) == 0) continue;
    for (int h = 0; h < a.options.heads; ++h) {
      const int64_t from = h / (a.options.heads / layout.key_heads) * a.width;
      const auto part = [&](const Tensor& x, const Segments& of, int64_t column) {
        std::vector<int32_t> rows;
        for (int32_t i = 0; i < of.length(s); ++i) rows.push_back(of.begin(s) + i);
        return select_columns(g, select_rows(g, x, rows), column, a.width);
      };
      Tensor k = part(t[1], layout.segments, from), v = part(t[2], layout.segments, from);
      if (a.prefix) {
        k = naive::stack(g, select_columns(g, t[3], from, a.width), k);
        v = naive::stack(g, select_columns(g, t[4], from, a.width), v);
      }
      const Tensor q = part(t[0], layout.queries, h * a.width);
      const Tensor scores = naive::matmul(g, q, naive::transpose(g, k));
      const double c =
          a.options.scale != 0 ? a.options.scale : 1 / std::sqrt(static_cast<double>(a.width));
      Tensor scaled = scale(g, scores, static_cast<Scalar>(c));
      if (a.buckets) scaled = add(g, std::move(scaled), composed_bias(g, t.back(), layout, s, h));
      const Tensor p = naive::softmax(
          g, scaled, [&](int64_t i, int64_t column) { return layout.sees(s, i, column); });
      const Tensor o = naive::place(g, naive::matmul(g, p, v), t[0].shape(),
                                    layout.queries.begin(s), h * a.width);
      y = y ? add(g, std::move(y), o) : o;
    }
  }
  return y;
}

std::string name_of(const AttentionSize& a) {
  const auto list = [](const std::vector<int32_t>& numbers) {
    std::string text;
    for (const int32_t n : numbers) text += (text.empty() ? "" : "+") + std::to_string(n);
    return text;
  };
  const AttentionOptions& o = a.options;
  return concat(
      "attention ", list(a.lengths), " tokens, ", o.heads, " heads of ", a.width,
      o.key_heads ? concat(", ", o.key_heads, " key heads") : "", o.causal ? ", causal" : "",
      o.window ? concat(", window ", o.window) : "", a.prefix ? concat(", prefix ", a.prefix) : "",
      a.queries.empty()
          ? ""
          : concat(", of which ", list(a.queries), " ask", a.spread ? " here and there" : ""),
      o.scale != 0 ? ", own scale" : "",
      a.buckets ? concat(a.bidirectional ? ", " : ", one-sided ", a.buckets, " buckets") : "",
      o.dropout > 0 ? ", dropout" : "");
}

}  // namespace

void add_attention(Cases& out, const AttentionSize& a) {
  OpCase c;
  const auto layout = std::make_shared<Layout>(a);
  const int64_t n = layout->segments.rows(), asks = layout->queries.rows();
  const int64_t heads = a.options.heads, hidden = heads * a.width,
                key_width = layout->key_heads * a.width;
  c.name = name_of(a);
  c.shapes = {{asks, hidden}, {n, key_width}, {n, key_width}};
  if (a.prefix) c.shapes.insert(c.shapes.end(), 2, {a.prefix, key_width});
  if (a.buckets) c.shapes.push_back({a.buckets, heads});
  const int table = a.prefix ? 5 : 3;  // its input
  c.call = [=](Graph& g, In t) {
    const RelativeBias bias{a.buckets ? t.back() : Tensor(), a.bidirectional, a.max_distance};
    AttentionOptions options = a.options;
    if (a.buckets) options.bias = &bias;
    return attention(g, t[0], t[1], t[2], layout->segments, options, a.prefix ? t[3] : Tensor(),
                     a.prefix ? t[4] : Tensor(), a.queries.empty() ? nullptr : &layout->queries,
                     a.spread ? &layout->asking : nullptr);
  };
  if (a.options.dropout == 0)
    c.twin = [=](Graph& g, In t) { return composed_attention(g, t, *layout); };
  const double own = layout->computed_pairs() * double(heads),
               front = double(asks) * double(a.prefix * heads);
  c.cost = [=](Mask m) {
    const bool pk = a.prefix && has(m, 3), pv = a.prefix && has(m, 4),
               scores = has(m, 0) || has(m, 1) || pk || (a.buckets && has(m, table));
    const double width = 2.0 * double(a.width);
    // q, k, the prefix's keys, the table, one number a row and head
    Cost cost = keeps(asks * hidden + n * key_width + asks * heads + a.prefix * key_width +
                      a.buckets * heads);
    if (scores)
      cost.saved_bytes += (n + a.prefix) * key_width * kScalar;  // v and the prefix's values
    cost.forward = products(2, 2 * width * (own + front));
    if (m == 0) return cost;
    cost.recomputed = products(1, width * (own + front));  // Q K^T
    // dV, dP, dQ, dK, each where wanted.
    int64_t calls = 0;
    double pairs = 0;
    if (has(m, 2) || pv) ++calls, pairs += (has(m, 2) ? own : 0) + (pv ? front : 0);
    if (scores) ++calls, pairs += own + front;
    if (has(m, 0)) ++calls, pairs += own + front;
    if (has(m, 1) || pk) ++calls, pairs += (has(m, 1) ? own : 0) + (pk ? front : 0);
    cost.input_gradient = products(calls, width * pairs);
    return cost;
  };
  if (a.options.dropout > 0) c.options = dropping();
  c.blas = true;
  out.push_back(c);
}

namespace {

// T5's: an encoder's, a decoder's; with all else that attention can do.
void add_biased_cases(Cases& out) {
  const auto add = [&](AttentionSize a, int64_t buckets, int64_t max_distance, bool bidirectional) {
    a.buckets = buckets;
    a.max_distance = max_distance;
    a.bidirectional = bidirectional;
    add_attention(out, a);
  };
  add({{5, 1, 7}, 2, {.heads = 2, .scale = 1}}, 8, 5, true);
  add({{6, 1, 3}, 2, {.heads = 2, .causal = true, .scale = 1}}, 6, 5, false);
  add({{4, 2}, 2, {.heads = 2, .scale = 0.7}, 2}, 8, 6, true);
  add({{5, 1}, 2, {.heads = 2, .causal = true, .block = 2}, 3}, 6, 7, false);
  add({{4, 3}, 2, {.heads = 2, .dropout = 0.25, .scale = 1}}, 4, 3, true);
  add({{5, 3, 2}, 2, {.heads = 2, .causal = true}, 0, {2, 3, 0}}, 5, 4, false);
  add({{7, 3}, 2, {.heads = 2, .causal = true, .block = 2}, 1, {4, 2}, true}, 6, 4, false);
  add({{6, 2}, 2, {.heads = 4, .causal = true, .key_heads = 2, .window = 3, .block = 2}}, 4, 4,
      false);
}

}  // namespace

void add_small_attention_cases(Cases& out) {
  add_attention(out, {{3}, 2, {.heads = 1}});
  add_attention(out, {{1, 1, 1}, 1, {.heads = 2}});
  add_attention(out, {{4, 1, 6}, 3, {.heads = 2}});
  add_attention(out, {{4, 1, 3}, 2, {.heads = 2, .causal = true}});
  add_attention(out, {{3, 1, 2}, 2, {.heads = 2}, 2});
  add_attention(out, {{2, 1, 3}, 3, {.heads = 1, .causal = true}, 1});
  add_attention(out, {{4, 1, 3}, 2, {.heads = 2, .dropout = 0.25}});
  add_attention(out, {{3, 1}, 2, {.heads = 2, .causal = true, .dropout = 0.25}, 2});
  add_attention(out, {{4, 1, 3}, 2, {.heads = 2}, 0, {1, 1, 1}});
  add_attention(out, {{3, 2, 4}, 2, {.heads = 2}, 2, {2, 0, 3}});
  add_attention(out, {{3, 2}, 3, {.heads = 1, .dropout = 0.25}, 1, {1, 1}});
  // Fewer key heads than query heads.
  add_attention(out, {{4, 1, 3}, 2, {.heads = 4, .key_heads = 2}});
  add_attention(out, {{3, 2}, 2, {.heads = 3, .causal = true, .key_heads = 1}, 2});
  add_attention(out, {{3, 2}, 2, {.heads = 4, .causal = true, .dropout = 0.25, .key_heads = 2}});
  // In blocks of queries, the last one shorter; with a prefix; only some ask.
  add_attention(out, {{5, 1, 7}, 2, {.heads = 2, .causal = true, .block = 2}});
  add_attention(out, {{5, 1}, 2, {.heads = 4, .causal = true, .key_heads = 2, .block = 2}, 2});
  add_attention(out, {{5, 3}, 2, {.heads = 2, .causal = true, .dropout = 0.25, .block = 2}});
  add_attention(out, {{5, 3, 2}, 2, {.heads = 2, .causal = true}, 0, {2, 3, 0}});
  add_attention(out, {{7, 3}, 2, {.heads = 2, .causal = true, .block = 2}, 1, {4, 2}, true});
  // Windows: a decoder's, an encoder's.
  add_attention(out, {{6, 2}, 2, {.heads = 2, .causal = true, .window = 3, .block = 2}});
  add_attention(out, {{5, 1}, 2, {.heads = 2, .causal = true, .key_heads = 1, .window = 3}, 2});
  add_attention(out, {{7, 2}, 2, {.heads = 2, .window = 2, .block = 3}});
  add_attention(out, {{6, 2}, 2, {.heads = 1, .window = 2, .scale = 0.3, .block = 2}, 2});
  add_attention(out, {{7, 3}, 2, {.heads = 2, .window = 2, .block = 2}, 0, {4, 0}, true});
  add_biased_cases(out);
}

void add_large_attention_cases(Cases& out) {
  const std::vector<int32_t> lengths = {33, 1, 65, 17, 29};
  add_attention(out, {lengths, 13, {.heads = 5}});
  add_attention(out, {lengths, 16, {.heads = 4, .causal = true, .dropout = 0.1}});
  add_attention(out, {lengths, 17, {.heads = 3, .dropout = 0.1}, 5});
  add_attention(out, {lengths, 16, {.heads = 4, .dropout = 0.1}, 0, {1, 1, 0, 17, 3}});
  add_attention(out, {lengths, 16, {.heads = 6, .causal = true, .key_heads = 2, .block = 16}, 5});
  add_attention(out, {{140, 9}, 8, {.heads = 2, .causal = true, .window = 20}});
  AttentionSize biased{lengths, 16, {.heads = 4, .dropout = 0.1, .scale = 1}};
  biased.buckets = 32;
  biased.max_distance = 60;
  add_attention(out, biased);
  biased = {{140, 9}, 8, {.heads = 3, .causal = true, .scale = 1}, 5};
  biased.buckets = 32;
  biased.max_distance = 128;
  biased.bidirectional = false;
  add_attention(out, biased);
}

}  // namespace catalogue
