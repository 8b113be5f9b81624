// Keys and values of the tokens that a model has read, for generation: a step computes only what is
// new.
//
// A sequence is a list of pages of kPage positions, each with all layers. Sequences share pages
// (beams of one prompt have its pages once); a page that is shared is copied before it is written.
#pragma once

#include <memory>
#include <vector>

#include "engine/autograd/graph.h"
#include "engine/base/token_batch.h"
#include "engine/ops/relative_bias.h"

namespace engine {

class KvCache {
 public:
  static constexpr int64_t kPage = 16;

  // For `sequences` empty ones. `width`: columns of keys (and of values) in every layer.
  KvCache(int layers, int64_t width, int sequences);

  int sequences() const { return static_cast<int>(all_.size()); }
  int64_t length(int sequence) const { return all_[static_cast<size_t>(sequence)].length; }
  int64_t width() const { return width_; }
  bool empty() const;  // nothing was read yet

  // Sequence i becomes a continuation of what sequence parents[i] was: beams that survive, or
  // fewer sequences once some are done. Costs no copy of keys.
  void reorder(const std::vector<int>& parents);

  // A step: room for `rows` new positions in every sequence, the layers' keys and values, the end.
  // Attention within the step sees the new positions of its layer.
  void begin_step(const Segments& rows);
  void write(int layer, int sequence, int64_t position, const Scalar* key, const Scalar* value);
  void end_step();

  // Rows [first page position, +count) of one layer: (count, width) each.
  struct Part {
    const Scalar *keys, *values;
    int64_t rows;
  };
  Part part(int layer, int sequence, int64_t page) const;
  int64_t pages(int sequence) const;

  int64_t bytes() const;  // of all pages, shared ones once

 private:
  struct Page {
    explicit Page(size_t scalars) : data(scalars) {}
    std::vector<Scalar> data;  // by layer: keys (kPage, width), then values
  };
  struct Sequence {
    std::vector<std::shared_ptr<Page>> pages;
    int64_t length = 0;  // before this step
    int64_t filled = 0;  // with it
  };
  size_t at(int layer, int64_t row) const {
    return static_cast<size_t>((2 * layer * kPage + row) * width_);
  }

  int layers_;
  int64_t width_;
  std::vector<Sequence> all_;
};

// Attention of new tokens to everything in the cache and to themselves, causal. Inference only.
//
// q (rows, heads * d), k and v (rows of `segments`, key_heads * d): the new tokens, which are
// written to `layer` of the cache. Options as in attention(); heads, key_heads, window, scale
// and bias are used. With `asking`, q holds only these rows of the batch, `queries` of each
// sequence.
struct CachedAttention {
  int heads = 1, key_heads = 1;
  int64_t window = 0;
  double scale = 0;  // 0: 1 / sqrt(d)
  const RelativeBias* bias = nullptr;
};
Tensor cached_attention(Graph& g, const Tensor& q, const Tensor& k, const Tensor& v,
                        const Segments& segments, const CachedAttention& options, KvCache& cache,
                        int layer, const Segments* queries = nullptr,
                        const std::vector<int32_t>* asking = nullptr);

// Writes the keys and values of a step without attending: rows of `k` and `v` by `segments`, at
// `offset` positions behind what the cache held before the step.
void write_step(KvCache& cache, int layer, const Segments& segments, const Tensor& k,
                const Tensor& v, int64_t offset = 0);
// The same rows for every sequence: a prefix.
void write_shared(KvCache& cache, int layer, const Tensor& k, const Tensor& v);

}  // namespace engine
