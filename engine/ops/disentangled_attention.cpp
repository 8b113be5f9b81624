// For one sequence and one head, with r = r(i, j) the row of the distance of query i and key j, and
// C, D the scores of tokens and rows:
//   C = c Q X^T,   D = c K Y^T,   S[i, j] = c Q_i K_j + C[i, r] + D[j, r],   P = softmax(S),
//   O = (M P) V,   M the dropout factors, c the scale, X = key_of, Y = query_of
//   dV = (M P)^T dO,   dP = M (dO V^T),   dS = P (dP - rowsum(P dP))
//   dC[i, r] = sum of dS[i, j] over the keys j in row r,   dD[j, r] = the same over queries i
//   dQ = c (dS K + dC X),   dK = c (dS^T Q + dD Y),   dX = c dC^T Q,   dY = c dD^T K
//
// Only the rows that a sequence reaches are computed: those of distances below its length are
// neighbours. The scores are not saved; backward makes them again from the log-sum-exp of each row,
// at the cost of one product, or up to three. X and Y are shared by all sequences, so where they
// collect a gradient, threads take heads and go through the sequences in order.
#include "engine/ops/disentangled_attention.h"

#include <cmath>

#include "engine/ops/attention_tile.h"
#include "engine/ops/attention_weights.h"
#include "engine/tensor/parallel.h"

namespace engine {

int32_t DistanceRows::row(int64_t distance) const {
  int64_t bucket = distance;
  if (buckets > 0 && longest > 0) {
    const int64_t mid = buckets / 2, size = distance < 0 ? -distance : distance;
    if (size > mid) {  // in float, as transformers: a ceiling is at stake
      const auto m = static_cast<float>(mid);
      const float most =
          std::log(static_cast<float>(static_cast<double>(longest - 1) / static_cast<double>(mid)));
      const float part = std::log(static_cast<float>(size) / m) / most * (m - 1);
      bucket = static_cast<int64_t>(std::ceil(part)) + mid;
      if (distance < 0) bucket = -bucket;
    }
  }
  return static_cast<int32_t>(std::clamp<int64_t>(bucket + span, 0, 2 * span - 1));
}

namespace {

using attending::Ranges;

struct Scores {
  Tensor q, k, v, x, y;      // data or ghosts
  Ranges segments, queries;  // the same unless only some tokens ask
  const int32_t* asking;     // rows of k that ask, or null: the last of each sequence
  const int32_t* rows;       // of distances -reach, ..., reach
  int64_t reach, heads, width;
  uint64_t mask_key;
  double dropout;
  Scalar scale;

  int64_t stride() const { return heads * width; }
};

// The queries and keys of one sequence and head.
struct Pair {
  const Scores& p;
  int s;
  int64_t head, n, m, first, count;  // first, count: the rows of x and y that are reached

  Pair(const Scores& scores, int sequence, int64_t h)
      : p(scores),
        s(sequence),
        head(h),
        n(p.queries.length(s)),
        m(p.segments.length(s)),
        first(p.rows[p.reach - (m - 1)]),
        count(p.rows[p.reach + m - 1] - first + 1) {}

  int64_t position(int64_t i) const {
    const int64_t at = p.queries.begin(s) + i;
    return p.asking ? p.asking[at] - p.segments.begin(s) : m - n + i;
  }
  // at(i)[-j]: the place of the distance of query i and key j among the reached rows, plus first.
  const int32_t* at(int64_t i) const { return p.rows + p.reach + position(i); }

  Scalar* asks(Scalar* t) const { return t + p.queries.begin(s) * p.stride() + head * p.width; }
  Scalar* keys(Scalar* t) const { return t + p.segments.begin(s) * p.stride() + head * p.width; }
  Scalar* reached(Scalar* t) const { return t + first * p.stride() + head * p.width; }
  MatrixRef asks(const Tensor& t) const { return {asks(t.data()), n, p.width, p.stride()}; }
  MatrixRef keys(const Tensor& t) const { return {keys(t.data()), m, p.width, p.stride()}; }
  MatrixRef reached(const Tensor& t) const {
    return {reached(t.data()), count, p.width, p.stride()};
  }
  DropoutMask mask() const {
    if (!p.mask_key) return {};
    return {mix(p.mask_key, static_cast<uint64_t>(s * p.heads + head)), p.dropout};
  }
};

// Memory of a thread: `tile` scores, and scores of tokens and rows.
struct Buffers {
  Scalar *s, *c, *d;
};

// S, by way of C and D.
void score(const Pair& t, const Buffers& b) {
  const Scores& p = t.p;
  small_gemm(false, true, t.asks(p.q), t.keys(p.k), 0, b.s, t.m, p.scale);
  if (p.x) small_gemm(false, true, t.asks(p.q), t.reached(p.x), 0, b.c, t.count, p.scale);
  if (p.y) small_gemm(false, true, t.keys(p.k), t.reached(p.y), 0, b.d, t.count, p.scale);
  for (int64_t i = 0; i < t.n; ++i) {
    const int32_t* at = t.at(i);
    Scalar* row = b.s + i * t.m;
    const Scalar* c = b.c + i * t.count;
    for (int64_t j = 0; j < t.m; ++j) {
      const int64_t r = at[-j] - t.first;
      if (p.x) row[j] += c[r];
      if (p.y) row[j] += b.d[j * t.count + r];
    }
  }
}

void forward_pair(const Pair& t, const Buffers& b, Scalar* out, Scalar* lse,
                  AttentionWeights::Head* seen) {
  const Scores& p = t.p;
  score(t, b);
  for (int64_t i = 0; i < t.n; ++i) {
    RowMap row(b.s + i * t.m, t.m);
    const Scalar most = row.maxCoeff();
    row = (row - most).exp();
    const Scalar sum = row.sum();
    row *= Scalar(1) / sum;
    if (lse) lse[(p.queries.begin(t.s) + i) * p.heads + t.head] = most + std::log(sum);
  }
  if (seen) std::copy_n(b.s, t.n * t.m, seen->values.data());
  if (const DropoutMask mask = t.mask()) mask.apply(0, t.n * t.m, b.s, b.s);
  small_gemm(false, false, {b.s, t.n, t.m, t.m}, t.keys(p.v), 0, t.asks(out), p.stride());
}

// In the order in which backward_pair writes: where inputs are one tensor, only the first sink has
// beta = 0.
struct DistanceSinks {
  GradSink v, q, k, x, y;
};

void backward_pair(const Pair& t, const Tensor& dy, const Tensor& lse, const DistanceSinks& sinks,
                   const Buffers& b, Scalar* ds, Scalar* factors) {
  const Scores& p = t.p;
  score(t, b);
  for (int64_t i = 0; i < t.n; ++i) {
    RowMap row(b.s + i * t.m, t.m);
    row = (row - lse.data()[(p.queries.begin(t.s) + i) * p.heads + t.head]).exp();
  }
  const DropoutMask mask = t.mask();
  RowMap all(b.s, t.n * t.m), gradient(ds, t.n * t.m);
  const Scalar* dropped = b.s;  // M P
  if (mask) {
    mask.fill(0, t.n * t.m, factors);
    gradient = all * RowMap(factors, t.n * t.m);
    dropped = ds;
  }
  const MatrixRef d_out = t.asks(dy);
  if (sinks.v)
    small_gemm(true, false, {dropped, t.n, t.m, t.m}, d_out, sinks.v.beta, t.keys(sinks.v.data),
               p.stride());
  if (!sinks.q && !sinks.k && !sinks.x && !sinks.y) return;
  small_gemm(false, true, d_out, t.keys(p.v), 0, ds, t.m);
  if (mask) gradient *= RowMap(factors, t.n * t.m);
  const bool with_c = p.x && (sinks.q || sinks.x), with_d = p.y && (sinks.k || sinks.y);
  if (with_c) std::fill_n(b.c, t.n * t.count, Scalar(0));
  if (with_d) std::fill_n(b.d, t.m * t.count, Scalar(0));
  for (int64_t i = 0; i < t.n; ++i) {
    const RowMap row(b.s + i * t.m, t.m);
    RowMap d(ds + i * t.m, t.m);
    const Scalar mean = (row * d).sum();
    d = p.scale * row * (d - mean);
    const int32_t* at = t.at(i);
    for (int64_t j = 0; j < t.m && (with_c || with_d); ++j) {
      const int64_t r = at[-j] - t.first;
      if (with_c) b.c[i * t.count + r] += d[j];
      if (with_d) b.d[j * t.count + r] += d[j];
    }
  }
  const MatrixRef s{ds, t.n, t.m, t.m}, c{b.c, t.n, t.count, t.count},
      d{b.d, t.m, t.count, t.count};
  if (sinks.q) {
    small_gemm(false, false, s, t.keys(p.k), sinks.q.beta, t.asks(sinks.q.data), p.stride());
    if (p.x) small_gemm(false, false, c, t.reached(p.x), 1, t.asks(sinks.q.data), p.stride());
  }
  if (sinks.k) {
    small_gemm(true, false, s, t.asks(p.q), sinks.k.beta, t.keys(sinks.k.data), p.stride());
    if (p.y) small_gemm(false, false, d, t.reached(p.y), 1, t.keys(sinks.k.data), p.stride());
  }
  if (sinks.x) small_gemm(true, false, c, t.asks(p.q), 1, t.reached(sinks.x.data), p.stride());
  if (sinks.y) small_gemm(true, false, d, t.keys(p.k), 1, t.reached(sinks.y.data), p.stride());
}

// Sizes of the largest pair, and the multiplications of a product with all of each kind.
struct Reach {
  int64_t scores = 0, asked = 0, known = 0;  // n m, n count, m count
  double pairs = 0, asked_rows = 0, known_rows = 0;

  explicit Reach(const Scores& p) {
    for (int s = 0; s < p.segments.count(); ++s) {
      const Pair t(p, s, 0);
      scores = std::max(scores, t.n * t.m);
      asked = std::max(asked, t.n * t.count);
      known = std::max(known, t.m * t.count);
      const auto width = static_cast<double>(p.stride());
      pairs += 2 * width * static_cast<double>(t.n * t.m);
      asked_rows += 2 * width * static_cast<double>(t.n * t.count);
      known_rows += 2 * width * static_cast<double>(t.m * t.count);
    }
  }
};

// fn(sequence, head, thread).
template <class F>
void for_each_pair(const Scores& p, bool by_head, F&& fn) {
  const int64_t sequences = p.segments.count();
  parallel_items(by_head ? p.heads : sequences * p.heads, [&](int64_t item, int thread) {
    if (by_head)
      for (int64_t s = 0; s < sequences; ++s) fn(static_cast<int>(s), item, thread);
    else
      fn(static_cast<int>(item / p.heads), item % p.heads, thread);
  });
}

int64_t whole_lines(int64_t scalars) { return (scalars + 15) / 16 * 16; }

void check_disentangled(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& x,
                        const Tensor& y, const Segments& segments, const Segments& queries,
                        const DisentangledOptions& o) {
  const char* op = "disentangled_attention";
  check(o.heads > 0 && q.cols() % o.heads == 0, op, q.cols(), " columns do not divide into ",
        o.heads, " heads");
  check(k.shape() == v.shape() && q.cols() == k.cols() && segments.rows() == k.rows() &&
            queries.rows() == q.rows() && queries.count() == segments.count(),
        op, "q ", q.shape(), ", k ", k.shape(), " and v ", v.shape(), " do not fit segments of ",
        segments.rows(), " rows and ", queries.rows(), " queries");
  const int64_t reach = std::max(segments.longest() - 1, 0);
  const int64_t first = o.distances.row(-reach) - o.first_row,
                last = o.distances.row(reach) - o.first_row;
  for (const Tensor* table : {&x, &y})
    check(!*table || (table->cols() == k.cols() && first >= 0 && last < table->rows()), op,
          "a table of distances ", table->shape(), " has no rows ", first, " to ", last, " of ",
          k.cols(), " columns");
  check(o.dropout >= 0 && o.dropout < 1, op, "dropout ", o.dropout, " is not in [0, 1)");
}

}  // namespace

Tensor disentangled_attention(Graph& g, const Tensor& q, const Tensor& k, const Tensor& v,
                              const Tensor& key_of, const Tensor& query_of,
                              const Segments& segments, const DisentangledOptions& o,
                              const Segments* some, const std::vector<int32_t>* asking) {
  const Segments& queries = some ? *some : segments;
  check_disentangled(q, k, v, key_of, query_of, segments, queries, o);
  const int64_t width = q.cols() / o.heads, reach = std::max(segments.longest() - 1, 0);
  const auto terms = static_cast<double>(1 + bool(key_of) + bool(query_of));
  const std::span<int32_t> rows = g.take<int32_t>(2 * reach + 1);
  for (int64_t d = -reach; d <= reach; ++d)
    rows[static_cast<size_t>(d + reach)] = o.distances.row(d) - static_cast<int32_t>(o.first_row);
  Scores p{q,
           k,
           v,
           key_of,
           query_of,
           {segments.starts.data(), segments.count()},
           {queries.starts.data(), queries.count()},
           asking ? asking->data() : nullptr,
           rows.data(),
           reach,
           o.heads,
           width,
           g.drops() && o.dropout > 0 ? g.next_mask_key() | 1 : 0,
           o.dropout,
           static_cast<Scalar>(o.scale != 0 ? o.scale
                                            : 1 / std::sqrt(terms * static_cast<double>(width)))};
  const bool scores = g.needs(q) || g.needs(k) || g.needs(key_of) || g.needs(query_of);
  const bool any = scores || g.needs(v);
  const Reach size(p);
  const int64_t tile = whole_lines(size.scores), c = key_of ? whole_lines(size.asked) : 0,
                d = query_of ? whole_lines(size.known) : 0;
  // FLOPs and number of the products that make S.
  const int making = 1 + bool(key_of) + bool(query_of);
  const double made =
      size.pairs + (key_of ? size.asked_rows : 0) + (query_of ? size.known_rows : 0);
  const auto buffers = [=](Scalar* mine) { return Buffers{mine, mine + tile, mine + tile + c}; };

  Tensor y = g.make(q.shape());
  const Tensor lse = any ? g.make({q.rows(), p.heads}) : Tensor();
  {
    const Tensor memory = g.make({omp_get_max_threads(), tile + c + d});
    AttentionWeights* watch = g.attention_weights();
    AttentionWeights::Op* seen = watch ? &watch->add(p.heads, 0, segments, queries) : nullptr;
    for_each_pair(p, false, [&](int s, int64_t h, int thread) {
      forward_pair(Pair(p, s, h), buffers(memory.row(thread)), y.data(), lse.data(),
                   seen ? &seen->of(s, h) : nullptr);
    });
    count_gemm(Work::forward, making + 1, made + size.pairs);
  }

  Scores saved = p;  // the need rule: P takes all but v, dP takes v
  saved.q = g.keep(q, {q, k, v, key_of, query_of});
  saved.k = g.keep(k, {q, k, v, key_of, query_of});
  saved.v = g.keep(v, {q, k, key_of, query_of});
  saved.x = g.keep(key_of, {q, k, v, key_of, query_of});
  saved.y = g.keep(query_of, {q, k, v, key_of, query_of});
  saved.segments.starts = g.hold(std::span(segments.starts), any);
  saved.queries.starts = some ? g.hold(std::span(some->starts), any) : saved.segments.starts;
  saved.asking = asking ? g.hold(std::span(*asking), any) : nullptr;
  const Tensor lses = g.keep(lse, {q, k, v, key_of, query_of});
  return g.record("disentangled_attention", y, {q, k, v, key_of, query_of}, [=](Backward& bw) {
    DistanceSinks sinks{bw.into(saved.v), bw.into(saved.q), bw.into(saved.k), bw.into(saved.x),
                        bw.into(saved.y)};
    for (GradSink* sink : {&sinks.x, &sinks.y})  // of which only some rows are reached
      if (*sink && sink->beta == 0 && !DryRun::on()) {
        const Tensor& table = sink == &sinks.x ? saved.x : saved.y;
        std::fill_n(sink->data, table.size(), Scalar(0));
      }
    const Tensor memory = bw.scratch({omp_get_max_threads(), 3 * tile + c + d});
    const Tensor dy = bw.dy();
    for_each_pair(saved, sinks.x || sinks.y, [&](int s, int64_t h, int thread) {
      Scalar* mine = memory.row(thread);
      const Buffers b = buffers(mine);
      Scalar* more = mine + tile + c + d;
      backward_pair(Pair(saved, s, h), dy, lses, sinks, b, more, more + tile);
    });
    count_gemm(Work::recomputed, making, made);
    const bool inner = sinks.q || sinks.k || sinks.x || sinks.y;
    int calls = int(inner) + bool(sinks.v);  // dP, dV
    double flops = calls * size.pairs;
    const auto add = [&](bool wanted, double each) {
      calls += wanted;
      flops += wanted ? each : 0;
    };
    add(bool(sinks.q), size.pairs);
    add(bool(sinks.k), size.pairs);
    add(sinks.q && saved.x, size.asked_rows);
    add(sinks.k && saved.y, size.known_rows);
    add(bool(sinks.x), size.asked_rows);
    add(bool(sinks.y), size.known_rows);
    count_gemm(Work::input_gradient, calls, flops);
  });
}

}  // namespace engine
