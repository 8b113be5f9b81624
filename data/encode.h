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
  int64_t tokens() const { return starts_.back() + output_starts_.back(); }  // of all sequences
  int32_t length(int64_t i) const {
    return static_cast<int32_t>(starts_[size_t(i) + 1] - starts_[size_t(i)]);
  }
  // Tokens of the longest sequence: compare with the model's position table before training.
  int32_t longest() const { return longest_; }
  int64_t truncated() const { return truncated_; }  // sequences that max_length cut
  bool labelled() const { return !labels_.empty() || !tags_.empty() || terms_ > 0; }
  // Of tagged sentences: words of sequence i, and their tags (empty if unknown), also of words that
  // max_length cut.
  int64_t words(int64_t i) const { return word_starts_[size_t(i) + 1] - word_starts_[size_t(i)]; }
  std::span<const int32_t> tags(int64_t i) const;

  // Of texts to learn: the targets of row i, how many targets all rows have, rows that had none and
  // were left out, and the bytes of the text behind the targets.
  std::span<const int32_t> targets(int64_t i) const;
  int64_t terms() const { return terms_; }
  int64_t left_out() const { return left_out_; }
  // Of sources with targets: what the decoder reads for row i (targets() are its rows'), and how
  // many were cut.
  std::span<const int32_t> output(int64_t i) const;
  int64_t outputs_cut() const { return outputs_cut_; }
  int64_t bytes(int64_t i) const { return bytes_[size_t(i)]; }

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
  // A row of texts: targets[t] is the id that token t predicts, or -1. `lengths` of the sequences
  // in it, which do not see one another; they add up to the row.
  void add_text(std::span<const int32_t> ids, std::span<const int32_t> targets,
                std::span<const int32_t> lengths, int64_t bytes, bool cut, int64_t example_id);
  // A source and what is written for it: targets[t] is the id that output[t] predicts, or -1.
  void add_output(const Encoding& source, std::span<const int32_t> output,
                  std::span<const int32_t> targets, int64_t bytes, bool cut, int64_t example_id);
  void leave_out() { ++left_out_; }
  // Appends sequence i to a batch, or the sequences of row i; TokenBatch::examples gets i for each.
  void append(int64_t i, engine::TokenBatch& batch) const;

 private:
  std::vector<int32_t> ids_;
  std::vector<uint8_t> types_;
  std::vector<int64_t> starts_{0};
  std::vector<double> labels_;
  std::vector<int64_t> example_ids_;
  int label_width_ = 1;
  // (tokens) of tagged sentences: -1 where no word begins; of texts: the next id, or -1
  std::vector<int32_t> targets_;
  std::vector<int32_t> lengths_;           // of texts: sequences of all rows
  std::vector<int64_t> length_starts_{0};  // (rows + 1)
  std::vector<int64_t> bytes_;             // (rows) of texts
  int64_t terms_ = 0, left_out_ = 0;
  std::vector<int32_t> output_ids_;        // of sources with targets, whose targets_ stand by these
  std::vector<int64_t> output_starts_{0};  // (rows + 1)
  int64_t outputs_cut_ = 0;
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
