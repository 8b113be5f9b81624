// For one sequence (rows of q, k, v) and one head (a range of columns; d of them), with c = 1 /
// sqrt(d):
//   S = c Q K^T,   P = softmax(S) by row,   O = (M P) V,   M the dropout factors of the
//   probabilities dV = (M P)^T dO,   dP = M (dO V^T),   dS = c P (dP - rowsum(P dP)),   dQ = dS K,
//   dK = dS^T Q
// A prefix adds rows in front of K and V for every sequence: its part of S, P and dS are the first
// columns. A tile has a copy of both together, so that S, O, dP and dQ are one product each instead
// of a thin one and a wide one.
//
// Where only some tokens ask (queries), Q, O, S and their gradients have their rows only.
//
// The scores are not kept (tokens x longest x heads of them): only the log-sum-exp of each row is,
// and backward makes P = exp(S - lse) again for one product more. Tiles of one (sequence, head)
// stay in the second cache. The mean over keys of the score gradient is zero, so a key bias gets no
// gradient; a prefix, which has no key bias, changes that.
#include "engine/ops/attention.h"

#include <cmath>

#include "engine/base/philox.h"
#include "engine/ops/dropout.h"
#include "engine/tensor/parallel.h"

namespace engine {
namespace {

struct Problem {
  Tensor q, k, v, pk, pv;              // data or ghosts
  const Segments *segments, *queries;  // the same unless only some tokens ask
  int64_t heads, width, stride, prefix, longest, most_queries;
  bool causal;
  uint64_t mask_key;
  double dropout;
  Scalar c;

  int64_t pairs() const { return segments->count() * heads; }
  // Of one product over all sequences and heads, with their own keys (also those that a causal mask
  // hides), the prefix's, both.
  double own_flops() const {
    double scores = 0;
    for (int s = 0; s < segments->count(); ++s)
      scores += static_cast<double>(queries->length(s)) * segments->length(s);
    return 2 * scores * static_cast<double>(heads * width);
  }
  double prefix_flops() const {
    return 2 * static_cast<double>(queries->rows()) * static_cast<double>(prefix * heads * width);
  }
  double product_flops() const { return own_flops() + prefix_flops(); }
  DropoutMask mask(int64_t pair) const {
    return mask_key ? DropoutMask(mix(mask_key, static_cast<uint64_t>(pair)), dropout)
                    : DropoutMask();
  }
};

// One (sequence, head) of a problem, with the memory of one thread.
struct Tile {
  const Problem& p;
  int64_t asks, n, row, m, keys,
      column;  // first query, queries; first key, keys, keys with the prefix; first column

  Tile(const Problem& problem, int64_t sequence, int64_t head)
      : p(problem),
        asks(problem.queries->begin(static_cast<int>(sequence))),
        n(problem.queries->length(static_cast<int>(sequence))),
        row(problem.segments->begin(static_cast<int>(sequence))),
        m(problem.segments->length(static_cast<int>(sequence))),
        keys(m + problem.prefix),
        column(head * problem.width) {}

  MatrixRef asking(const Tensor& t) const {
    return {t.data() + asks * p.stride + column, n, p.width, p.stride};
  }
  MatrixRef own(const Tensor& t) const {
    return {t.data() + row * p.stride + column, m, p.width, p.stride};
  }
  MatrixRef front(const Tensor& t) const {
    return {t.data() + column, p.prefix, p.width, p.stride};
  }
  Scalar* asking(Scalar* t) const { return t + asks * p.stride + column; }
  Scalar* own(Scalar* t) const { return t + row * p.stride + column; }
  Scalar* front(Scalar* t) const { return t + column; }
  MatrixRef left(const Scalar* tile) const { return {tile, n, p.prefix, keys}; }
  MatrixRef right(const Scalar* tile) const { return {tile + p.prefix, n, m, keys}; }
  int64_t visible(int64_t i) const { return p.causal ? p.prefix + i + 1 : keys; }

  MatrixRef all(const Scalar* tile) const { return {tile, n, keys, keys}; }
  // [prefix; own] of k or v: without a prefix where it is, else a copy in `memory` (keys x width).
  MatrixRef rows(const Tensor& own_rows, const Tensor& prefix_rows, Scalar* memory) const {
    if (!p.prefix) return own(own_rows);
    Scalar* to = memory;
    const auto append = [&](const MatrixRef& from) {
      for (int64_t i = 0; i < from.rows; ++i, to += p.width)
        std::copy_n(from.data + i * from.stride, p.width, to);
    };
    append(front(prefix_rows));
    append(own(own_rows));
    return {memory, keys, p.width, p.width};
  }
  // sinks = tile^T a + beta sinks, two products: either may be frozen, and has the same bits
  // whether the other is or not.
  void into_rows(const Scalar* tile, const MatrixRef& a, const GradSink& own_rows,
                 const GradSink& prefix_rows, bool first) const {
    if (own_rows)
      small_gemm(true, false, right(tile), a, own_rows.beta, own(own_rows.data), p.stride);
    // The prefix is shared: all sequences but the first add to it.
    if (prefix_rows)
      small_gemm(true, false, left(tile), a, first ? prefix_rows.beta : 1, front(prefix_rows.data),
                 p.stride);
  }
};

// `kv`: keys x width, for a copy.
void forward_tile(const Tile& t, int64_t pair, Scalar* s, Scalar* kv, Scalar* out, Scalar* lse) {
  const Problem& p = t.p;
  small_gemm(false, true, t.asking(p.q), t.rows(p.k, p.pk, kv), 0, s, t.keys, p.c);
  for (int64_t i = 0; i < t.n; ++i) {
    const int64_t seen = t.visible(i);
    RowMap row(s + i * t.keys, seen);
    const Scalar most = row.maxCoeff();
    row = (row - most).exp();
    const Scalar sum = row.sum();
    row *= Scalar(1) / sum;
    std::fill(s + i * t.keys + seen, s + (i + 1) * t.keys, Scalar(0));
    if (lse) lse[(t.asks + i) * p.heads + t.column / p.width] = most + std::log(sum);
  }
  if (const DropoutMask mask = p.mask(pair)) mask.apply(0, t.n * t.keys, s, s);
  small_gemm(false, false, t.all(s), t.rows(p.v, p.pv, kv), 0, t.asking(out), p.stride);
}

// In the order in which backward_tile writes: where q, k and v are one tensor, only the first sink
// has beta = 0.
struct Sinks {
  GradSink v, pv, q, k, pk;
};

// `first`: of the sequences. `kv`: 2 (keys x width), for copies.
void backward_tile(const Tile& t, int64_t pair, const Tensor& dy, const Tensor& lse,
                   const Sinks& sinks, bool first, Scalar* s, Scalar* ds, Scalar* factors,
                   Scalar* kv) {
  const Problem& p = t.p;
  const int64_t head = t.column / p.width;
  const MatrixRef k = t.rows(p.k, p.pk, kv);
  small_gemm(false, true, t.asking(p.q), k, 0, s, t.keys, p.c);
  for (int64_t i = 0; i < t.n; ++i) {
    const int64_t seen = t.visible(i);
    RowMap row(s + i * t.keys, seen);
    row = (row - lse.data()[(t.asks + i) * p.heads + head]).exp();
    std::fill(s + i * t.keys + seen, s + (i + 1) * t.keys, Scalar(0));
  }
  const DropoutMask mask = p.mask(pair);
  RowMap all(s, t.n * t.keys);
  const Scalar* dropped = s;  // M P
  if (mask) {
    mask.fill(0, t.n * t.keys, factors);
    RowMap(ds, t.n * t.keys) = all * RowMap(factors, t.n * t.keys);
    dropped = ds;
  }
  const MatrixRef d_out = t.asking(dy);
  t.into_rows(dropped, d_out, sinks.v, sinks.pv, first);
  if (!sinks.q && !sinks.k && !sinks.pk) return;
  small_gemm(false, true, d_out, t.rows(p.v, p.pv, kv + t.keys * p.width), 0, ds, t.keys);
  if (mask) RowMap(ds, t.n * t.keys) *= RowMap(factors, t.n * t.keys);
  for (int64_t i = 0; i < t.n; ++i) {
    const RowMap row(s + i * t.keys, t.keys);
    RowMap d(ds + i * t.keys, t.keys);
    const Scalar mean = (row * d).sum();
    d = p.c * row * (d - mean);
  }
  if (sinks.q)
    small_gemm(false, false, t.all(ds), k, sinks.q.beta, t.asking(sinks.q.data), p.stride);
  t.into_rows(ds, t.asking(p.q), sinks.k, sinks.pk, first);
}

// fn(sequence, head, thread) for all pairs. By heads, in order of sequences, when a shared prefix
// collects gradients.
template <class F>
void for_pairs(const Problem& p, bool by_head, F&& fn) {
  const int64_t sequences = p.segments->count(), items = by_head ? p.heads : sequences * p.heads;
  parallel_items(items, [&](int64_t item, int thread) {
    if (by_head)
      for (int64_t s = 0; s < sequences; ++s) fn(s, item, thread);
    else
      fn(item / p.heads, item % p.heads, thread);
  });
}

}  // namespace

Tensor attention(Graph& g, const Tensor& q, const Tensor& k, const Tensor& v,
                 const Segments& segments, const AttentionOptions& options, const Tensor& prefix_k,
                 const Tensor& prefix_v, const Segments* some) {
  const Segments& queries = some ? *some : segments;
  check((some || q.rows() == k.rows()) && q.cols() == k.cols() && k.shape() == v.shape(),
        "attention", "q ", q.shape(), ", k ", k.shape(), " and v ", v.shape(), " differ");
  check(segments.rows() == k.rows(), "attention", "segments of ", segments.rows(), " rows for k ",
        k.shape());
  check(queries.rows() == q.rows() && queries.count() == segments.count(), "attention",
        "queries of ", queries.rows(), " rows in ", queries.count(), " sequences for q ", q.shape(),
        " and ", segments.count(), " sequences");
  check(!some || !options.causal, "attention",
        "a choice of queries and a causal mask do not go together");
  check(options.heads > 0 && q.cols() % options.heads == 0, "attention", q.cols(),
        " columns do not divide into ", options.heads, " heads");
  check(prefix_k.shape() == prefix_v.shape() && (!prefix_k || prefix_k.cols() == q.cols()),
        "attention", "prefix keys ", prefix_k.shape(), " and values ", prefix_v.shape(),
        " do not fit q ", q.shape());
  check(options.dropout >= 0 && options.dropout < 1, "attention", "dropout ", options.dropout,
        " is not in [0, 1)");
  Problem p{q,
            k,
            v,
            prefix_k,
            prefix_v,
            &segments,
            &queries,
            options.heads,
            q.cols() / options.heads,
            q.cols(),
            prefix_k.rows(),
            segments.longest(),
            queries.longest(),
            options.causal,
            0,
            options.dropout,
            0};
  p.c = Scalar(1) / std::sqrt(static_cast<Scalar>(p.width));
  if (g.drops() && options.dropout > 0) p.mask_key = g.next_mask_key() | 1;
  const bool scores = g.needs(q) || g.needs(k) || g.needs(prefix_k);
  const bool any = scores || g.needs(v) || g.needs(prefix_v);

  Tensor y = g.make(q.shape());
  const Tensor lse = any ? g.make({q.rows(), p.heads}) : Tensor();
  // Rounded up to whole cache lines: Eigen's bits depend on alignment, and must not on which thread
  // works on a tile.
  const int64_t tile = (p.most_queries * (p.longest + p.prefix) + 15) / 16 * 16;
  const int64_t copy = p.prefix ? ((p.longest + p.prefix) * p.width + 15) / 16 * 16 : 0;
  {
    const Tensor memory = g.make({omp_get_max_threads(), tile + copy});
    for_pairs(p, false, [&](int64_t s, int64_t h, int thread) {
      Scalar* mine = memory.row(thread);
      forward_tile(Tile(p, s, h), s * p.heads + h, mine, mine + tile, y.data(), lse.data());
    });
    count_gemm(Work::forward, 2, 2 * p.product_flops());
  }

  Problem saved = p;  // the need rule: P takes q and k, dP takes v
  saved.q = g.keep(q, any);
  saved.k = g.keep(k, any);
  saved.v = g.keep(v, scores);
  saved.pk = g.keep(prefix_k, any);
  saved.pv = g.keep(prefix_v, scores);
  const Tensor lses = any ? g.keep(lse, true) : lse;
  return g.record(
      "attention", y, {q, k, v, prefix_k, prefix_v}, [saved, lses, tile, copy](Backward& bw) {
        const Sinks sinks{bw.into(saved.v), bw.into(saved.pv), bw.into(saved.q), bw.into(saved.k),
                          bw.into(saved.pk)};
        const bool shared = sinks.pk || sinks.pv;
        const Tensor memory = bw.scratch({omp_get_max_threads(), 3 * tile + 2 * copy});
        const Tensor dy = bw.dy();
        for_pairs(saved, shared, [&](int64_t s, int64_t h, int thread) {
          Scalar* mine = memory.row(thread);
          backward_tile(Tile(saved, s, h), s * saved.heads + h, dy, lses, sinks, s == 0, mine,
                        mine + tile, mine + 2 * tile, mine + 3 * tile);
        });
        const bool scores_needed = sinks.q || sinks.k || sinks.pk;
        const auto halves =
            [&](const GradSink& own,
                const GradSink& front) {  // a product where one of the two may be frozen
              return (own ? saved.own_flops() : 0) + (front ? saved.prefix_flops() : 0);
            };
        const bool values = sinks.v || sinks.pv, keys = sinks.k || sinks.pk,
                   asked = static_cast<bool>(sinks.q);
        const int whole = 1 + scores_needed + asked;  // S again, dP, dQ
        count_gemm(
            Work::input_gradient, whole + values + keys,
            whole * saved.product_flops() + halves(sinks.v, sinks.pv) + halves(sinks.k, sinks.pk));
      });
}

}  // namespace engine
