#include "data/encode.h"

#include <algorithm>

#include "data/in_order.h"
#include "engine/base/error.h"

namespace data {

std::span<const int32_t> EncodedSplit::ids(int64_t i) const {
  return {ids_.data() + starts_[size_t(i)], static_cast<size_t>(length(i))};
}

std::span<const uint8_t> EncodedSplit::types(int64_t i) const {
  return {types_.data() + starts_[size_t(i)], static_cast<size_t>(length(i))};
}

void EncodedSplit::add(const Encoding& encoding, std::optional<double> label, int64_t example_id) {
  add(encoding, label ? std::span<const double>(&*label, 1) : std::span<const double>(),
      example_id);
}

void EncodedSplit::add(const Encoding& encoding, std::span<const double> labels,
                       int64_t example_id) {
  const bool label = !labels.empty();
  if (label && labels_.empty()) label_width_ = static_cast<int>(labels.size());
  engine::check(
      !encoding.ids.empty(), "encode", "example ", example_id,
      " has no token, and a sequence is never empty",
      engine::hint(
          "its text is empty and the tokenizer adds no special tokens: leave the row out"));
  engine::check(label ? labels_.size() == static_cast<size_t>(size() * label_width_) &&
                            labels.size() == static_cast<size_t>(label_width_)
                      : labels_.empty(),
                "encode", "example ", example_id,
                label ? " has a label and those before it have none"
                      : " has no label and those before it have one");
  ids_.insert(ids_.end(), encoding.ids.begin(), encoding.ids.end());
  types_.insert(types_.end(), encoding.types.begin(), encoding.types.end());
  starts_.push_back(static_cast<int64_t>(ids_.size()));
  labels_.insert(labels_.end(), labels.begin(), labels.end());
  example_ids_.push_back(example_id);
  longest_ = std::max(longest_, static_cast<int32_t>(encoding.ids.size()));
  truncated_ += encoding.removed > 0;
}

std::span<const int32_t> EncodedSplit::tags(int64_t i) const {
  if (tags_.empty()) return {};
  return {tags_.data() + word_starts_[size_t(i)], static_cast<size_t>(words(i))};
}

void EncodedSplit::add_words(const Encoding& encoding, std::span<const int32_t> rows,
                             std::span<const int32_t> tags, int64_t example_id) {
  engine::check(tags.empty() || tags.size() == rows.size(), "encode", "sentence ", example_id,
                " has ", rows.size(), " words and ", tags.size(), " tags");
  engine::check(size() == 0 || tags.empty() == tags_.empty(), "encode", "sentence ", example_id,
                tags.empty() ? " has no tags and those before it have some"
                             : " has tags and those before it have none");
  add(encoding, std::span<const double>(), example_id);
  targets_.resize(ids_.size(), -1);
  const auto begin = static_cast<size_t>(starts_[starts_.size() - 2]);
  for (size_t w = 0; w < rows.size(); ++w)
    if (rows[w] >= 0) targets_[begin + static_cast<size_t>(rows[w])] = tags.empty() ? 0 : tags[w];
  tags_.insert(tags_.end(), tags.begin(), tags.end());
  word_starts_.push_back(word_starts_.back() + static_cast<int64_t>(rows.size()));
}

std::span<const int32_t> EncodedSplit::output(int64_t i) const {
  if (output_ids_.empty()) return {};
  return {output_ids_.data() + output_starts_[size_t(i)],
          static_cast<size_t>(output_starts_[size_t(i) + 1] - output_starts_[size_t(i)])};
}

void EncodedSplit::add_output(const Encoding& source, std::span<const int32_t> output,
                              std::span<const int32_t> targets, int64_t bytes, bool cut,
                              int64_t example_id) {
  engine::check(!output.empty() && output.size() == targets.size(), "encode", "row ", example_id,
                " has ", output.size(), " tokens of an output and ", targets.size(), " targets");
  add(source, std::span<const double>(), example_id);
  output_ids_.insert(output_ids_.end(), output.begin(), output.end());
  output_starts_.push_back(static_cast<int64_t>(output_ids_.size()));
  targets_.insert(targets_.end(), targets.begin(), targets.end());
  bytes_.push_back(bytes);
  outputs_cut_ += cut;
  terms_ += std::count_if(targets.begin(), targets.end(), [](int32_t t) { return t >= 0; });
}

std::span<const int32_t> EncodedSplit::targets(int64_t i) const {
  if (targets_.empty()) return {};
  if (!output_ids_.empty()) return {targets_.data() + output_starts_[size_t(i)], output(i).size()};
  return {targets_.data() + starts_[size_t(i)], static_cast<size_t>(length(i))};
}

void EncodedSplit::add_text(std::span<const int32_t> ids, std::span<const int32_t> targets,
                            std::span<const int32_t> lengths, int64_t bytes, bool cut,
                            int64_t example_id) {
  engine::check(ids.size() == targets.size(), "encode", "text ", example_id, " has ", ids.size(),
                " tokens and ", targets.size(), " targets");
  Encoding encoding;
  encoding.ids.assign(ids.begin(), ids.end());
  encoding.types.assign(ids.size(), 0);
  encoding.removed = cut;
  add(encoding, std::span<const double>(), example_id);
  targets_.insert(targets_.end(), targets.begin(), targets.end());
  lengths_.insert(lengths_.end(), lengths.begin(), lengths.end());
  length_starts_.push_back(static_cast<int64_t>(lengths_.size()));
  bytes_.push_back(bytes);
  terms_ += std::count_if(targets.begin(), targets.end(), [](int32_t t) { return t >= 0; });
}

void EncodedSplit::append(int64_t i, engine::TokenBatch& batch) const {
  const auto sequence = ids(i);
  const auto kinds = types(i);
  batch.ids.insert(batch.ids.end(), sequence.begin(), sequence.end());
  batch.types.insert(batch.types.end(), kinds.begin(), kinds.end());
  if (lengths_.empty()) {
    batch.segments.add(length(i));
    batch.examples.push_back(i);
  }
  for (int64_t part = lengths_.empty() ? 0 : length_starts_[size_t(i)];
       part < (lengths_.empty() ? 0 : length_starts_[size_t(i) + 1]); ++part) {
    batch.segments.add(lengths_[size_t(part)]);
    batch.examples.push_back(i);
  }
  if (!labels_.empty())
    batch.labels.insert(batch.labels.end(), labels_.begin() + i * label_width_,
                        labels_.begin() + (i + 1) * label_width_);
  if (const auto written = output(i); !written.empty()) {
    batch.output.ids.insert(batch.output.ids.end(), written.begin(), written.end());
    batch.output.segments.add(static_cast<int32_t>(written.size()));
  }
  if (const auto each = targets(i); !targets_.empty())
    batch.targets.insert(batch.targets.end(), each.begin(), each.end());
}

EncodedSplit encode_split(const Tokenizer& tokenizer, std::span<const Example> examples, bool pair,
                          int max_length, int classes) {
  EncodedSplit split;
  std::vector<double> flags;
  in_order(
      examples,
      [&](const Example& example) {
        return pair ? tokenizer.encode_pair(example.a, example.b, max_length)
                    : tokenizer.encode(example.a, max_length);
      },
      [&](const Example& example, const Encoding& encoding) {
        if (classes == 0 || !example.label) {
          split.add(encoding, example.label, example.id);
          return;
        }
        flags.assign(static_cast<size_t>(classes), 0);
        for (const int32_t c : example.labels) flags[static_cast<size_t>(c)] = 1;
        split.add(encoding, flags, example.id);
      });
  return split;
}

}  // namespace data
