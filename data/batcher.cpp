#include "data/batcher.h"

#include <algorithm>
#include <numeric>

#include "engine/base/error.h"

namespace data {
namespace {

// The finaliser of SplitMix64: every bit of the counter reaches every bit of the result.
uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// Numbers that depend on nothing but key and count.
class Counter {
 public:
  explicit Counter(uint64_t key) : key_(key) {}

  // Uniform in 0 .. bound-1: the high half of a product, rejecting the few values that would favour
  // some (Lemire 2019).
  uint64_t below(uint64_t bound) {
    const uint64_t unfair = (0 - bound) % bound;
    for (;;) {
      const auto product = static_cast<unsigned __int128>(mix(key_ ^ mix(count_++))) * bound;
      if (static_cast<uint64_t>(product) >= unfair) return static_cast<uint64_t>(product >> 64);
    }
  }

 private:
  uint64_t key_;
  uint64_t count_ = 0;
};

void fill(const EncodedSplit& split, const std::vector<int64_t>& order, int64_t batch_number,
          int batch_size, engine::TokenBatch& batch) {
  batch.ids.clear();
  batch.types.clear();
  batch.segments.clear();
  batch.output.ids.clear();
  batch.output.segments.clear();
  batch.labels.clear();
  batch.targets.clear();
  batch.examples.clear();
  const int64_t begin = batch_number * batch_size;
  const int64_t end = std::min(begin + batch_size, split.size());
  for (int64_t i = begin; i < end; ++i) split.append(order[static_cast<size_t>(i)], batch);
}

void check_sizes(const EncodedSplit& split, int batch_size) {
  engine::check(split.size() > 0, "batches", "there are no examples");
  engine::check(batch_size >= 1, "batches", "a batch size of ", batch_size, ", expected 1 or more");
}

int64_t batch_count(const EncodedSplit& split, int batch_size) {
  return (split.size() + batch_size - 1) / batch_size;
}

}  // namespace

std::vector<int64_t> shuffled(int64_t n, uint64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  Counter random(mix(seed) ^ mix(mix(static_cast<uint64_t>(epoch) + 1)));
  for (int64_t i = n - 1; i > 0; --i)
    std::swap(order[static_cast<size_t>(i)], order[random.below(static_cast<uint64_t>(i) + 1)]);
  return order;
}

TrainBatches::TrainBatches(const EncodedSplit& split, int batch_size, uint64_t seed, bool shuffle)
    : split_(split), batch_size_(batch_size), seed_(seed), shuffle_(shuffle) {
  check_sizes(split, batch_size);
  start_epoch(0);
}

int64_t TrainBatches::batches_per_epoch() const { return batch_count(split_, batch_size_); }

void TrainBatches::start_epoch(int64_t epoch) {
  epoch_ = epoch;
  batch_ = 0;
  if (shuffle_) {
    order_ = shuffled(split_.size(), seed_, epoch);
  } else if (order_.empty()) {
    order_.resize(static_cast<size_t>(split_.size()));
    std::iota(order_.begin(), order_.end(), 0);
  }
}

void TrainBatches::next(engine::TokenBatch& batch) {
  fill(split_, order_, batch_, batch_size_, batch);
  if (++batch_ == batches_per_epoch()) start_epoch(epoch_ + 1);
}

void TrainBatches::seek(int64_t epoch, int64_t batch_in_epoch) {
  engine::check(epoch >= 0 && batch_in_epoch >= 0 && batch_in_epoch < batches_per_epoch(),
                "batches", "no batch ", batch_in_epoch, " of epoch ", epoch, ", an epoch has ",
                batches_per_epoch(), " batches",
                engine::hint("was the run saved with another batch size or other data?"));
  start_epoch(epoch);
  batch_ = batch_in_epoch;
}

EvalBatches::EvalBatches(const EncodedSplit& split, int batch_size, Order order)
    : split_(split), batch_size_(batch_size), order_(static_cast<size_t>(split.size())) {
  check_sizes(split, batch_size);
  std::iota(order_.begin(), order_.end(), 0);
  if (order == Order::by_length)
    std::stable_sort(order_.begin(), order_.end(),
                     [&](int64_t a, int64_t b) { return split.length(a) < split.length(b); });
}

int64_t EvalBatches::batches() const { return batch_count(split_, batch_size_); }

bool EvalBatches::next(engine::TokenBatch& batch) {
  fill(split_, order_, position_, batch_size_, batch);  // past the end: an empty batch
  if (position_ == batches()) return false;
  ++position_;
  return true;
}

}  // namespace data
