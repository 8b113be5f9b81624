// T5's relative position bias (Raffel et al. 2020): attention adds a learned number of the head and
// of the distance from query to key to every score. Distances share a number by buckets, exact
// where they are short and growing with the logarithm beyond.
#pragma once

#include "engine/tensor/tensor.h"

namespace engine {

struct RelativeBias {
  Tensor table;               // (buckets, heads), one for all layers of a stack
  bool bidirectional = true;  // half of the buckets are for keys behind the query; else all are for
                              // keys up to it, and what lies behind counts as distance 0
  int64_t max_distance = 128;  // from here on all keys share the last bucket

  // The row of the table for `distance` = position of the key - position of the query. As
  // transformers' T5Attention, which rounds in float.
  int32_t bucket(int64_t distance) const;
};

namespace attending {

// The bias of every distance that a batch can reach, so that a row of scores adds a contiguous
// range of it. Internal to attention.cpp and cached_attention.cpp.
class DistanceBias {
 public:
  DistanceBias() = default;
  // Of distances [-back, ahead]. Throws where `bias` does not fit `heads`; `buckets` has room for
  // size() numbers and must outlive this object.
  DistanceBias(const RelativeBias& bias, int64_t heads, int64_t back, int64_t ahead,
               int32_t* buckets);
  static int64_t size(int64_t back, int64_t ahead) { return back + ahead + 1; }

  int64_t size() const { return size_; }
  // values (heads, size()) = table[bucket(distance), head].
  void expand(const Tensor& table, Scalar* values) const;
  // gradient (buckets, heads) += factor * the sums (heads, size()) of each bucket's distances.
  void collect(const Scalar* sums, Scalar factor, Scalar* gradient) const;
  // Row `head` of such an array, to be indexed by the distance itself.
  template <class T>
  T* row(T* values, int64_t head) const {
    return values + head * size_ + back_;
  }

 private:
  const int32_t* buckets_ = nullptr;
  int64_t heads_ = 0, back_ = 0, size_ = 0;
};

}  // namespace attending
}  // namespace engine
