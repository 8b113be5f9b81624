#include "data/encode.h"

#include <algorithm>
#include <exception>

#include "engine/base/error.h"

namespace data {

std::span<const int32_t> EncodedSplit::ids(int64_t i) const {
  return {ids_.data() + starts_[size_t(i)], static_cast<size_t>(length(i))};
}

std::span<const uint8_t> EncodedSplit::types(int64_t i) const {
  return {types_.data() + starts_[size_t(i)], static_cast<size_t>(length(i))};
}

void EncodedSplit::add(const Encoding& encoding, std::optional<double> label, int64_t example_id) {
  engine::check(
      !encoding.ids.empty(), "encode", "example ", example_id,
      " has no token, and a sequence is never empty",
      engine::hint(
          "its text is empty and the tokenizer adds no special tokens: leave the row out"));
  engine::check(label ? labels_.size() == static_cast<size_t>(size()) : labels_.empty(), "encode",
                "example ", example_id,
                label ? " has a label and those before it have none"
                      : " has no label and those before it have one");
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

EncodedSplit encode_split(const Tokenizer& tokenizer, std::span<const Example> examples, bool pair,
                          int max_length) {
  constexpr int64_t kAtATime = 4096;  // by all threads; then they are appended in order
  EncodedSplit split;
  std::vector<Encoding> encoded;
  std::vector<std::exception_ptr> failed;
  for (size_t from = 0; from < examples.size(); from += kAtATime) {
    const auto some = examples.subspan(from, std::min<size_t>(kAtATime, examples.size() - from));
    encoded.resize(some.size());
    failed.assign(some.size(), nullptr);
    const auto n = static_cast<int64_t>(some.size());
#pragma omp parallel for schedule(dynamic, 64)
    for (int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<size_t>(i);
      try {
        encoded[at] = pair ? tokenizer.encode_pair(some[at].a, some[at].b, max_length)
                           : tokenizer.encode(some[at].a, max_length);
      } catch (...) {
        failed[at] = std::current_exception();
      }
    }
    for (size_t i = 0; i < some.size(); ++i) {
      if (failed[i]) std::rethrow_exception(failed[i]);
      split.add(encoded[i], some[i].label, some[i].id);
    }
  }
  return split;
}

}  // namespace data
