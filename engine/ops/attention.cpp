// For one sequence (rows of q, k, v) and one head (a range of columns), with c the scale:
//   S = c Q K^T + B,   P = softmax(S) by row,   O = (M P) V,   M the dropout factors
//   dV = (M P)^T dO,   dP = M (dO V^T),   dS = P (dP - rowsum(P dP)),
//   dQ = c dS K,   dK = c dS^T Q
// A hidden key has P = 0. Where several query heads read one key head, their dK and dV add up.
//
// B, if there is one, is B[i, j] = b[j - i], with b[d] the table's value for the bucket of d:
//   db[d] = sum of dS[i, j] over j - i = d,   d table[r] = sum of db[d] over the d of bucket r
// A product adds the scores to B. Every head has its own db, all sequences add to it in order.
//
// A prefix adds rows in front of K and V for every sequence: its part of S, P and dS are the first
// columns. A tile copies both parts of K and V together, so that S, O, dP and dQ are one product
// each.
//
// The scores are not saved. Backward recomputes P = exp(S - lse) from the saved log-sum-exp of each
// row, at the cost of one more product. Where a mask hides keys, a long sequence is computed in
// blocks of queries, each with the keys that some query of it sees: half of the products of a
// causal mask, and tiles that stay in the second cache.
//
// The score gradients of a query sum to zero over the keys, so a key bias gets no gradient; a
// prefix, which has no key bias, changes that.
#include "engine/ops/attention.h"

#include <cmath>

#include "engine/ops/attention_tile.h"
#include "engine/ops/attention_weights.h"
#include "engine/tensor/parallel.h"

namespace engine {
namespace {

using attending::DistanceBias;
using attending::Extent;
using attending::Problem;
using attending::Tile;

// Row i of P in place of row i of S, given the row's largest visible score or log-sum-exp: fn maps
// the visible part; the rest is 0.
template <class F>
void visible(const Tile& t, int64_t i, Scalar* s, F&& fn) {
  const auto [front, begin, end] = t.sight(i);
  Scalar* row = s + i * t.keys;
  if (front > 0) fn(RowMap(row, front));
  std::fill(row + front, row + begin, Scalar(0));
  fn(RowMap(row + begin, end - begin));
  std::fill(row + end, row + t.keys, Scalar(0));
}

Scalar softmax_row(const Tile& t, int64_t i, Scalar* s) {
  const auto [front, begin, end] = t.sight(i);
  Scalar* row = s + i * t.keys;
  Scalar most = RowMap(row + begin, end - begin).maxCoeff(), sum = 0;
  if (front > 0) most = std::max(most, RowMap(row, front).maxCoeff());
  visible(t, i, s, [&](RowMap part) {
    part = (part - most).exp();
    sum += part.sum();
  });
  RowMap(row, end) *= Scalar(1) / sum;
  return most + std::log(sum);
}

// The tile's part of P, for who looks at it.
void show(const Tile& t, const Scalar* s, AttentionWeights::Head& to) {
  const int64_t first = t.asks - t.first_query();
  for (int64_t i = 0; i < t.n; ++i) {
    const Scalar* row = s + i * t.keys;
    Scalar* at = to.row(first + i);
    std::copy_n(row, t.p.prefix, at);
    std::copy_n(row + t.p.prefix, t.m, at + t.p.prefix + t.offset);
  }
}

// S, of the tile's keys `k`.
void score(const Tile& t, const MatrixRef& k, Scalar* s) {
  if (t.p.bias)
    t.for_distances(s, t.p.bias, [](Scalar* to, const Scalar* bias, int64_t count) {
      std::copy_n(bias, count, to);
    });
  small_gemm(false, true, t.asking(t.p.q), k, t.p.bias ? 1 : 0, s, t.keys, t.p.scale);
}

// `kv`: keys x width, for a copy.
void forward_tile(const Tile& t, Scalar* s, Scalar* kv, Scalar* out, Scalar* lse,
                  AttentionWeights::Head* seen) {
  const Problem& p = t.p;
  score(t, t.rows(p.k, p.pk, kv), s);
  for (int64_t i = 0; i < t.n; ++i) {
    const Scalar log_sum = softmax_row(t, i, s);
    if (lse) lse[(t.asks + i) * p.heads + t.head] = log_sum;
  }
  if (seen) show(t, s, *seen);
  if (const DropoutMask mask = t.mask()) mask.apply(0, t.n * t.keys, s, s);
  small_gemm(false, false, t.all(s), t.rows(p.v, p.pv, kv), 0, t.asking(out), p.query_stride());
}

// In the order in which backward_tile writes: where q, k and v are one tensor, only the first sink
// has beta = 0.
struct Sinks {
  GradSink v, pv, q, k, pk;
  Scalar* distances = nullptr;  // c db (heads, distances), zeroed, if the bias collects a gradient
};

// sinks = tile^T a + beta sinks, two products: either may be frozen, and has the same bits whether
// the other is or not.
void into_rows(const Tile& t, const Scalar* tile, const MatrixRef& a, const GradSink& own_rows,
               const GradSink& prefix_rows) {
  const int64_t stride = t.p.key_stride();
  if (own_rows)
    small_gemm(true, false, t.right(tile), a, own_rows.beta, t.own(own_rows.data), stride);
  if (prefix_rows)
    small_gemm(true, false, t.left(tile), a, prefix_rows.beta, t.front(prefix_rows.data), stride);
}

// `kv`: 2 (keys x width), for copies.
void backward_tile(const Tile& t, const Tensor& dy, const Tensor& lse, const Sinks& sinks,
                   Scalar* s, Scalar* ds, Scalar* factors, Scalar* kv) {
  const Problem& p = t.p;
  const MatrixRef k = t.rows(p.k, p.pk, kv);
  score(t, k, s);
  for (int64_t i = 0; i < t.n; ++i) {
    const Scalar log_sum = lse.data()[(t.asks + i) * p.heads + t.head];
    visible(t, i, s, [&](RowMap part) { part = (part - log_sum).exp(); });
  }
  const DropoutMask mask = t.mask();
  RowMap all(s, t.n * t.keys);
  const Scalar* dropped = s;  // M P
  if (mask) {
    mask.fill(0, t.n * t.keys, factors);
    RowMap(ds, t.n * t.keys) = all * RowMap(factors, t.n * t.keys);
    dropped = ds;
  }
  const MatrixRef d_out = t.asking(dy);
  into_rows(t, dropped, d_out, sinks.v, sinks.pv);
  if (!sinks.q && !sinks.k && !sinks.pk && !sinks.distances) return;
  small_gemm(false, true, d_out, t.rows(p.v, p.pv, kv + t.keys * p.width), 0, ds, t.keys);
  if (mask) RowMap(ds, t.n * t.keys) *= RowMap(factors, t.n * t.keys);
  for (int64_t i = 0; i < t.n; ++i) {
    const RowMap row(s + i * t.keys, t.keys);
    RowMap d(ds + i * t.keys, t.keys);
    const Scalar mean = (row * d).sum();
    d = p.scale * row * (d - mean);
  }
  if (sinks.distances)
    t.for_distances(ds, sinks.distances, [](const Scalar* from, Scalar* sums, int64_t count) {
      RowMap(sums, count) += ConstRowMap(from, count);
    });
  if (sinks.q)
    small_gemm(false, false, t.all(ds), k, sinks.q.beta, t.asking(sinks.q.data), p.query_stride());
  into_rows(t, ds, t.asking(p.q), sinks.k, sinks.pk);
}

// All tiles that write to one key head of one sequence: its query heads, their blocks.
template <class F>
void backward_group(const Problem& p, int s, int64_t key_head, Sinks sinks, F&& tile) {
  const int64_t blocks = p.blocks(s);
  if (blocks > 1)  // a block reaches some of the keys only; q may be the same tensor as k
    for (GradSink* sink : {&sinks.v, &sinks.q, &sinks.k})
      if (*sink && sink->beta == 0 && (sink != &sinks.q || sinks.q.data == sinks.k.data)) {
        Scalar* at = sink->data + p.segments.begin(s) * p.key_stride() + key_head * p.width;
        for (int64_t r = 0; r < p.segments.length(s); ++r, at += p.key_stride())
          std::fill_n(at, p.width, Scalar(0));
        sink->beta = 1;
      }
  if (s > 0) sinks.pv.beta = sinks.pk.beta = 1;  // shared: all sequences but the first add to it
  for (int64_t h = key_head * p.group(); h < (key_head + 1) * p.group(); ++h)
    for (int64_t b = 0; b < blocks; ++b) {
      tile(Tile(p, s, h, b), sinks);
      sinks.v.beta = sinks.k.beta = sinks.pv.beta = sinks.pk.beta = 1;
    }
}

// fn(sequence, head, thread) for all of `heads` heads. By heads, in order of sequences, when a
// prefix or a bias, which all share, collects gradients.
template <class F>
void for_pairs(int64_t sequences, int64_t heads, bool by_head, F&& fn) {
  parallel_items(by_head ? heads : sequences * heads, [&](int64_t item, int thread) {
    if (by_head)
      for (int64_t s = 0; s < sequences; ++s) fn(static_cast<int>(s), item, thread);
    else
      fn(static_cast<int>(item / heads), item % heads, thread);
  });
}

// Whole cache lines: Eigen's bits depend on alignment, and must not on which thread works on a
// tile.
int64_t aligned(int64_t scalars) { return (scalars + 15) / 16 * 16; }

Problem problem_of(const Tensor& q, const Tensor& k, const Tensor& v, const Segments& segments,
                   const AttentionOptions& o, const Tensor& pk, const Tensor& pv,
                   const Segments* some, const std::vector<int32_t>* asking) {
  const Segments& queries = some ? *some : segments;
  const int key_heads = o.key_heads ? o.key_heads : o.heads;
  check(o.heads > 0 && key_heads > 0 && o.heads % key_heads == 0, "attention", o.heads,
        " query heads do not divide among ", key_heads, " key heads");
  check(q.cols() % o.heads == 0, "attention", q.cols(), " columns do not divide into ", o.heads,
        " heads");
  const int64_t width = q.cols() / o.heads;
  check((some || q.rows() == k.rows()) && k.cols() == width * key_heads && k.shape() == v.shape(),
        "attention", "q ", q.shape(), ", k ", k.shape(), " and v ", v.shape(), " do not fit ",
        o.heads, " query heads and ", key_heads, " key heads");
  check(segments.rows() == k.rows(), "attention", "segments of ", segments.rows(), " rows for k ",
        k.shape());
  check(queries.rows() == q.rows() && queries.count() == segments.count(), "attention",
        "queries of ", queries.rows(), " rows in ", queries.count(), " sequences for q ", q.shape(),
        " and ", segments.count(), " sequences");
  check(!asking || static_cast<int64_t>(asking->size()) == q.rows(), "attention",
        "numbers of asking rows do not fit q ", q.shape());
  check(pk.shape() == pv.shape() && (!pk || pk.cols() == k.cols()), "attention", "prefix keys ",
        pk.shape(), " and values ", pv.shape(), " do not fit k ", k.shape());
  check(o.dropout >= 0 && o.dropout < 1, "attention", "dropout ", o.dropout, " is not in [0, 1)");
  check(o.window >= 0 && o.block > 0, "attention", "window ", o.window, ", block ", o.block);
  for (int i = 0; o.bias && some && i < segments.count(); ++i)
    check(queries.length(i) <= segments.length(i), "attention", queries.length(i),
          " queries of a sequence of ", segments.length(i), " keys have no distance for a bias");
  const auto scale = o.scale != 0 ? static_cast<Scalar>(o.scale)
                                  : Scalar(1) / std::sqrt(static_cast<Scalar>(width));
  return {q,
          k,
          v,
          pk,
          pv,
          {segments.starts.data(), segments.count()},
          {queries.starts.data(), queries.count()},
          asking ? asking->data() : nullptr,
          o.heads,
          key_heads,
          width,
          pk.rows(),
          o.block,
          o.causal,
          o.window,
          0,
          o.dropout,
          scale};
}

// The bias of all distances, in memory of `make`; empty without a bias.
template <class Make>
Tensor expanded(const Problem& p, const Tensor& table, Make&& make) {
  if (!table) return {};
  const Tensor values = make({p.heads, p.distances.size()});
  if (!DryRun::on()) p.distances.expand(table, values.data());
  return values;
}

}  // namespace

Tensor attention(Graph& g, const Tensor& q, const Tensor& k, const Tensor& v,
                 const Segments& segments, const AttentionOptions& options, const Tensor& prefix_k,
                 const Tensor& prefix_v, const Segments* queries,
                 const std::vector<int32_t>* asking) {
  Problem p = problem_of(q, k, v, segments, options, prefix_k, prefix_v, queries, asking);
  if (g.drops() && options.dropout > 0) p.mask_key = g.next_mask_key() | 1;
  const Tensor table = options.bias ? options.bias->table : Tensor();
  const bool scores = g.needs(q) || g.needs(k) || g.needs(prefix_k) || g.needs(table);
  const bool any = scores || g.needs(v) || g.needs(prefix_v);
  const int64_t sequences = segments.count();
  const Extent extent(p);
  const double flops = 2 * static_cast<double>(p.width);  // of a query-key pair in one product
  const double own = flops * extent.pairs, front = flops * extent.prefix_pairs;
  const int64_t tile = aligned(extent.scores), copy = p.prefix ? aligned(extent.keys * p.width) : 0;

  if (options.bias) {
    const int64_t ahead = std::max(segments.longest() - 1, 0), back = p.prefix + ahead;
    int32_t* buckets = g.take<int32_t>(DistanceBias::size(back, ahead)).data();
    p.distances = DistanceBias(*options.bias, p.heads, back, ahead, buckets);
  }

  Tensor y = g.make(q.shape());
  const Tensor lse = any ? g.make({q.rows(), p.heads}) : Tensor();
  {
    const Tensor bias = expanded(p, table, [&](Shape shape) { return g.make(shape); });
    p.bias = bias.data();
    const Tensor memory = g.make({omp_get_max_threads(), tile + copy});
    AttentionWeights* watch = g.attention_weights();
    AttentionWeights::Op* seen =
        watch ? &watch->add(p.heads, p.prefix, segments, queries ? *queries : segments) : nullptr;
    for_pairs(sequences, p.heads, false, [&](int s, int64_t h, int thread) {
      Scalar* mine = memory.row(thread);
      for (int64_t b = 0; b < p.blocks(s); ++b)
        forward_tile(Tile(p, s, h, b), mine, mine + tile, y.data(), lse.data(),
                     seen ? &seen->of(s, h) : nullptr);
    });
    count_gemm(Work::forward, 2, 2 * (own + front));
  }

  Problem saved = p;  // the need rule: P takes q, k and the table, dP takes v
  saved.q = g.keep(q, {q, k, v, prefix_k, prefix_v, table});
  saved.k = g.keep(k, {q, k, v, prefix_k, prefix_v, table});
  saved.v = g.keep(v, {q, k, prefix_k, table});
  saved.pk = g.keep(prefix_k, {q, k, v, prefix_k, prefix_v, table});
  saved.pv = g.keep(prefix_v, {q, k, prefix_k, table});
  const Tensor saved_table = g.keep(table, {q, k, v, prefix_k, prefix_v, table});
  saved.segments.starts = g.hold(std::span(segments.starts), any);
  saved.queries.starts = queries ? g.hold(std::span(queries->starts), any) : saved.segments.starts;
  saved.asking = asking ? g.hold(std::span(*asking), any) : nullptr;
  const Tensor lses = g.keep(lse, {q, k, v, prefix_k, prefix_v, table});
  return g.record("attention", y, {q, k, v, prefix_k, prefix_v, table}, [=](Backward& bw) {
    Sinks sinks{bw.into(saved.v), bw.into(saved.pv), bw.into(saved.q), bw.into(saved.k),
                bw.into(saved.pk)};
    const GradSink d_table = bw.into(saved_table);
    const auto scratch = [&](Shape shape) { return bw.scratch(shape); };
    Problem again = saved;
    const Tensor bias = expanded(saved, saved_table, scratch);
    again.bias = bias.data();
    const Tensor distances = d_table ? scratch({saved.heads, saved.distances.size()}) : Tensor();
    if (d_table && !DryRun::on()) {
      distances.flat().setZero();
      if (d_table.beta == 0) RowMap(d_table.data, saved_table.size()).setZero();
      sinks.distances = distances.data();
    }
    const Tensor memory = bw.scratch({omp_get_max_threads(), 3 * tile + 2 * copy});
    const Tensor dy = bw.dy();
    const bool shared = sinks.pk || sinks.pv || d_table;
    for_pairs(sequences, saved.key_heads, shared, [&](int s, int64_t key_head, int thread) {
      Scalar* mine = memory.row(thread);
      backward_group(again, s, key_head, sinks, [&](const Tile& t, const Sinks& into) {
        backward_tile(t, dy, lses, into, mine, mine + tile, mine + 2 * tile, mine + 3 * tile);
      });
    });
    if (sinks.distances) saved.distances.collect(sinks.distances, 1 / saved.scale, d_table.data);
    // One of the two products may be frozen.
    const auto halves = [&](const GradSink& to_own, const GradSink& to_front) {
      return (to_own ? own : 0) + (to_front ? front : 0);
    };
    const bool values = sinks.v || sinks.pv, keys = sinks.k || sinks.pk,
               asked = static_cast<bool>(sinks.q);
    count_gemm(Work::recomputed, 1, own + front);          // S
    const int whole = (asked || keys || d_table) + asked;  // dP, dQ
    count_gemm(Work::input_gradient, whole + values + keys,
               whole * (own + front) + halves(sinks.v, sinks.pv) + halves(sinks.k, sinks.pk));
  });
}

}  // namespace engine
