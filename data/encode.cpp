#include "data/encode.h"

#include <algorithm>

#include "engine/base/error.h"

namespace data {

std::span<const int32_t> EncodedSplit::ids(int64_t i) const {
  return {ids_.data() + starts_[size_t(i)], static_cast<size_t>(length(i))};
}

std::span<const uint8_t> EncodedSplit::types(int64_t i) const {
  return {types_.data() + starts_[size_t(i)], static_cast<size_t>(length(i))};
}

void EncodedSplit::add(const Encoding& encoding, std::optional<double> label, int64_t example_id) {
  engine::check(!encoding.ids.empty(), "encode", "example ", example_id, " has no token, and a sequence is never empty",
                engine::hint("its text is empty and the tokenizer adds no special tokens: leave the row out"));
  engine::check(label ? labels_.size() == static_cast<size_t>(size()) : labels_.empty(), "encode", "example ", example_id,
                label ? " has a label and those before it have none" : " has no label and those before it have one");
  ids_.insert(ids_.end(), encoding.ids.begin(), encoding.ids.end());
  types_.insert(types_.end(), encoding.types.begin(), encoding.types.end());
  starts_.push_back(static_cast<int64_t>(ids_.size()));
  if (label) labels_.push_back(*label);
  example_ids_.push_back(example_id);
  longest_ = std::max(longest_, static_cast<int32_t>(encoding.ids.size()));
  truncated_ += encoding.removed > 0;
}

void EncodedSplit::append(int64_t i, engine::TokenBatch& batch) const {
  const auto sequence = ids(i);
  const auto kinds = types(i);
  batch.ids.insert(batch.ids.end(), sequence.begin(), sequence.end());
  batch.types.insert(batch.types.end(), kinds.begin(), kinds.end());
  batch.segments.add(length(i));
  if (labelled()) batch.labels.push_back(labels_[static_cast<size_t>(i)]);
  batch.examples.push_back(i);
}

EncodedSplit encode_split(const Tokenizer& tokenizer, std::span<const Example> examples, bool pair, int max_length) {
  EncodedSplit split;
  for (const Example& example : examples) {
    const Encoding encoding = pair ? tokenizer.encode_pair(example.a, example.b, max_length)
                                   : tokenizer.encode(example.a, max_length);
    split.add(encoding, example.label, example.id);
  }
  return split;
}

}  // namespace data
