// Packed batches (engine::TokenBatch, no padding) out of an encoded split: shuffled for training,
// in order for evaluation.
//
// TokenBatch::examples holds row numbers of the split, 0 .. size()-1, so that
// results[batch.examples[i]] = ... puts results back into the split's order whatever the order of
// the batches.
#pragma once

#include <cstdint>
#include <vector>

#include "data/encode.h"
#include "engine/base/token_batch.h"

namespace data {

// The order of epoch `epoch` under `seed`: a permutation of 0 .. n-1 by Fisher and Yates from a
// 64-bit counter-based mixer. It depends on nothing but its arguments (no standard-library
// distribution), so it is the same on every machine.
std::vector<int64_t> shuffled(int64_t n, uint64_t seed, int64_t epoch);

// Endless training batches. The last batch of an epoch may be smaller; no example is left out or
// repeated in an epoch. Keeps a reference to the split.
class TrainBatches {
 public:
  // In the split's order in every epoch unless `shuffle`. Throws engine::Error if the split is
  // empty or batch_size < 1.
  TrainBatches(const EncodedSplit& split, int batch_size, uint64_t seed, bool shuffle = true);

  int64_t batches_per_epoch() const;
  // Fills `batch` with the next batch; its buffers are reused. After the last batch of an epoch
  // follows the next epoch.
  void next(engine::TokenBatch& batch);

  // The batch that next() will give. A run that saves these two and seeks to them goes on bit for
  // bit.
  int64_t epoch() const { return epoch_; }
  int64_t batch_in_epoch() const { return batch_; }
  void seek(int64_t epoch, int64_t batch_in_epoch);  // throws engine::Error if out of range

 private:
  void start_epoch(int64_t epoch);

  const EncodedSplit& split_;
  int batch_size_;
  uint64_t seed_;
  bool shuffle_;
  int64_t epoch_ = 0;
  int64_t batch_ = 0;
  std::vector<int64_t> order_;
};

// One pass for evaluation.
class EvalBatches {
 public:
  enum class Order {
    as_given,
    by_length,  // shortest first, ties in the split's order: sequences of a batch are alike, so the
                // batch's memory is even
  };
  EvalBatches(const EncodedSplit& split, int batch_size, Order order = Order::as_given);

  int64_t batches() const;
  bool next(engine::TokenBatch& batch);  // false (and an empty batch) after the last one
  void rewind() { position_ = 0; }

 private:
  const EncodedSplit& split_;
  int batch_size_;
  std::vector<int64_t> order_;
  int64_t position_ = 0;
};

}  // namespace data
