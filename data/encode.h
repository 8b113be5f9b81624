// A split as token ids, encoded once and kept flat: what the batcher packs from in every epoch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/task.h"
#include "data/tokenizer.h"
#include "engine/base/token_batch.h"

namespace data {

class EncodedSplit {
 public:
  int64_t size() const { return static_cast<int64_t>(starts_.size()) - 1; }  // sequences
  int64_t tokens() const { return starts_.back(); }                          // of all sequences
  int32_t length(int64_t i) const {
    return static_cast<int32_t>(starts_[size_t(i) + 1] - starts_[size_t(i)]);
  }
  // Tokens of the longest sequence: compare with the model's position table before training.
  int32_t longest() const { return longest_; }
  int64_t truncated() const { return truncated_; }  // sequences that max_length cut
  bool labelled() const { return !labels_.empty(); }

  std::span<const int32_t> ids(int64_t i) const;                 // (tokens of sequence i)
  std::span<const uint8_t> types(int64_t i) const;               // (tokens of sequence i)
  const std::vector<double>& labels() const { return labels_; }  // (sequences), empty if unknown
  const std::vector<int64_t>& example_ids() const {
    return example_ids_;
  }  // (sequences) Example::id

  // `label` is required for all sequences or for none: throws engine::Error otherwise.
  void add(const Encoding& encoding, std::optional<double> label, int64_t example_id);
  // Appends sequence i to a batch; TokenBatch::examples gets i.
  void append(int64_t i, engine::TokenBatch& batch) const;

 private:
  std::vector<int32_t> ids_;
  std::vector<uint8_t> types_;
  std::vector<int64_t> starts_{0};
  std::vector<double> labels_;
  std::vector<int64_t> example_ids_;
  int32_t longest_ = 0;
  int64_t truncated_ = 0;
};

// Encodes all examples, on all threads, and keeps their order; as pairs if `pair`. max_length
// counts special tokens; 0 is no limit. An example whose texts give no token at all and whose
// tokenizer adds none (GPT-2, empty text) is an engine::Error.
EncodedSplit encode_split(const Tokenizer& tokenizer, std::span<const Example> examples, bool pair,
                          int max_length = 0);

}  // namespace data
