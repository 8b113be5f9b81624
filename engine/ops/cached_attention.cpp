// One query row i at position p and the query heads that read one key head:
//   s = c q K^T + b over the keys of positions (p - window, p],   o = softmax(s) V
// K and V are read page by page where they are: a step at batch 1 costs one pass over the cache.
#include <cmath>

#include "engine/ops/kv_cache.h"
#include "engine/tensor/parallel.h"

namespace engine {
namespace {

using Strided = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;

// q (group, d) and out (group, d) of one row; `scores` has room for (group, keys).
struct Row {
  const KvCache& cache;
  int layer, sequence;
  int64_t key_head, group, width, first, last;  // keys [first, last] are seen
  Scalar scale;
  const attending::DistanceBias& distances;
  const Scalar* bias;  // (heads, distances.size()), or null

  template <class F>
  void for_parts(F&& fn) const {
    for (int64_t page = first / KvCache::kPage; page * KvCache::kPage <= last; ++page) {
      const KvCache::Part part = cache.part(layer, sequence, page);
      const int64_t start = page * KvCache::kPage, from = std::max(first, start) - start,
                    to = std::min(last + 1 - start, part.rows), at = from * cache.width();
      const auto rows = [&](const Scalar* data) {
        return Strided(data + at + key_head * width, to - from, width,
                       Eigen::OuterStride<>(cache.width()));
      };
      fn(start + from - first, rows(part.keys), rows(part.values));
    }
  }

  void compute(const Scalar* q, Scalar* out, Scalar* scores) const {
    const int64_t keys = last - first + 1;
    const ConstMatrixMap asked(q, group, width);
    MatrixMap s(scores, group, keys), o(out, group, width);
    for_parts([&](int64_t at, const Strided& k, const Strided&) {
      s.middleCols(at, k.rows()).noalias() = asked.lazyProduct(k.transpose());
    });
    for (int64_t h = 0; h < group; ++h) {
      RowMap row(scores + h * keys, keys);
      row *= scale;
      if (bias) row += ConstRowMap(distances.row(bias, key_head * group + h) + first - last, keys);
      row = (row - row.maxCoeff()).exp();
      row *= Scalar(1) / row.sum();
    }
    o.setZero();
    for_parts([&](int64_t at, const Strided&, const Strided& v) {
      o.noalias() += s.middleCols(at, v.rows()).lazyProduct(v);
    });
  }
};

}  // namespace

void write_step(KvCache& cache, int layer, const Segments& segments, const Tensor& k,
                const Tensor& v, int64_t offset) {
  parallel_items(segments.count(), [&](int64_t item, int) {
    const int s = static_cast<int>(item);
    for (int32_t i = 0; i < segments.length(s); ++i) {
      const int64_t row = segments.begin(s) + i;
      cache.write(layer, s, cache.length(s) + offset + i, k.row(row), v.row(row));
    }
  });
}

void write_shared(KvCache& cache, int layer, const Tensor& k, const Tensor& v) {
  parallel_items(cache.sequences(), [&](int64_t item, int) {
    const int s = static_cast<int>(item);
    for (int64_t row = 0; row < k.rows(); ++row)
      cache.write(layer, s, cache.length(s) + row, k.row(row), v.row(row));
  });
}

Tensor cached_attention(Graph& g, const Tensor& q, const Tensor& k, const Tensor& v,
                        const Segments& segments, const CachedAttention& o, KvCache& cache,
                        int layer, const Segments* queries, const std::vector<int32_t>* asking) {
  check(!g.records(), "cached_attention", "a graph that records cannot read a cache");
  check(o.heads > 0 && o.key_heads > 0 && o.heads % o.key_heads == 0 && q.cols() % o.heads == 0 &&
            k.cols() == q.cols() / o.heads * o.key_heads && k.shape() == v.shape() &&
            k.cols() == cache.width(),
        "cached_attention", "q ", q.shape(), ", k ", k.shape(), " and v ", v.shape(),
        " do not fit ", o.heads, " query heads, ", o.key_heads, " key heads and a cache of ",
        cache.width(), " columns");
  write_step(cache, layer, segments, k, v);
  const Segments& asked = queries ? *queries : segments;
  const int64_t width = q.cols() / o.heads, group = o.heads / o.key_heads;
  int64_t longest = 0;
  for (int s = 0; s < cache.sequences(); ++s)
    longest = std::max(longest, cache.length(s) + segments.length(s));
  const Scalar scale = o.scale != 0 ? static_cast<Scalar>(o.scale)
                                    : Scalar(1) / std::sqrt(static_cast<Scalar>(width));
  const Tensor y = g.make(q.shape());
  const Tensor memory = g.make({omp_get_max_threads(), (group * longest + 15) / 16 * 16});
  attending::DistanceBias distances;
  Tensor bias;
  if (o.bias) {
    const int64_t back = std::max<int64_t>(longest - 1, 0);
    int32_t* buckets = g.take<int32_t>(attending::DistanceBias::size(back, 0)).data();
    distances = attending::DistanceBias(*o.bias, o.heads, back, 0, buckets);
    bias = g.make({o.heads, distances.size()});
    if (!DryRun::on()) distances.expand(o.bias->table, bias.data());
  }
  double pairs = 0;
  for (int s = 0; s < segments.count(); ++s)
    pairs += static_cast<double>(asked.length(s)) *
             static_cast<double>(cache.length(s) + segments.length(s));
  parallel_items(segments.count() * o.key_heads, [&](int64_t item, int thread) {
    const int s = static_cast<int>(item / o.key_heads);
    const int64_t head = item % o.key_heads, column = head * group * width;
    for (int32_t i = 0; i < asked.length(s); ++i) {
      const int64_t row = asked.begin(s) + i;
      const int64_t in_step = asking ? (*asking)[static_cast<size_t>(row)] - segments.begin(s) : i;
      const int64_t last = cache.length(s) + in_step;
      const int64_t first = o.window ? std::max<int64_t>(0, last - o.window + 1) : 0;
      Row{cache, layer, s, head, group, width, first, last, scale, distances, bias.data()}.compute(
          q.row(row) + column, y.row(row) + column, memory.row(thread));
    }
  });
  count_gemm(Work::forward, 2,
             4 * pairs * static_cast<double>(o.heads) * static_cast<double>(width));
  return g.record("cached_attention", y, {q, k, v}, [](Backward&) {});
}

}  // namespace engine
