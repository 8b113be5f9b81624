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
  bool labelled() const { return !labels_.empty() || !tags_.empty(); }
  // Of tagged sentences: words of sequence i, and their tags (empty if unknown), also of words that
  // max_length cut.
  int64_t words(int64_t i) const { return word_starts_[size_t(i) + 1] - word_starts_[size_t(i)]; }
  std::span<const int32_t> tags(int64_t i) const;

  std::span<const int32_t> ids(int64_t i) const;    // (tokens of sequence i)
  std::span<const uint8_t> types(int64_t i) const;  // (tokens of sequence i)
  // (sequences x label_width), empty if unknown
  const std::vector<double>& labels() const { return labels_; }
  int label_width() const { return label_width_; }  // numbers a sequence: 1, or a flag a class
  const std::vector<int64_t>& example_ids() const {
    return example_ids_;
  }  // (sequences) Example::id

  // `label` is required for all sequences or for none: throws engine::Error otherwise.
  void add(const Encoding& encoding, std::optional<double> label, int64_t example_id);
  // The same with several numbers, as many for every sequence; empty: no label.
  void add(const Encoding& encoding, std::span<const double> labels, int64_t example_id);
  // A tagged sentence: `rows` has the row of each word's first piece, -1 of one that was cut; tags
  // are as many or none. Those rows are the batch's targets, with the tag or 0.
  void add_words(const Encoding& encoding, std::span<const int32_t> rows,
                 std::span<const int32_t> tags, int64_t example_id);
  // Appends sequence i to a batch; TokenBatch::examples gets i.
  void append(int64_t i, engine::TokenBatch& batch) const;

 private:
  std::vector<int32_t> ids_;
  std::vector<uint8_t> types_;
  std::vector<int64_t> starts_{0};
  std::vector<double> labels_;
  std::vector<int64_t> example_ids_;
  int label_width_ = 1;
  std::vector<int32_t> targets_;         // (tokens) of tagged sentences, -1: no word begins here
  std::vector<int64_t> word_starts_{0};  // of tagged sentences
  std::vector<int32_t> tags_;            // (words)
  int32_t longest_ = 0;
  int64_t truncated_ = 0;
};

// Encodes all examples, on all threads, and keeps their order; as pairs if `pair`. max_length
// counts special tokens; 0 is no limit. An example whose texts give no token at all and whose
// tokenizer adds none (GPT-2, empty text) is an engine::Error.
// `classes` > 0: labels are a flag for each of them (Example::labels).
EncodedSplit encode_split(const Tokenizer& tokenizer, std::span<const Example> examples, bool pair,
                          int max_length = 0, int classes = 0);

}  // namespace data
