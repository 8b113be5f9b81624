#include "data/denoising.h"

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "engine/base/philox.h"

namespace data {

using engine::check;

namespace {

// Knuth's product of uniform numbers; the mean is small.
int poisson(engine::Random& random, double mean) {
  const double least = std::exp(-mean);
  int n = 0;
  for (double p = random.uniform(); p > least; p *= random.uniform()) ++n;
  return n;
}

template <class T>
void shuffle(std::vector<T>& items, engine::Random& random) {
  for (size_t left = items.size(); left > 1; --left)
    std::swap(items[random.below(left)], items[left - 1]);
}

}  // namespace

Denoising::Denoising(const Tokenizer& tokenizer, const DenoisingOptions& options)
    : options_(options) {
  check(tokenizer.special().mask.has_value(), "denoising", "the tokenizer has no mask token",
        engine::hint("give a vocabulary with [MASK] or <mask>"));
  check(options.rate >= 0 && options.rate < 1, "denoising", "a rate of ", options.rate,
        ", expected 0 or a part below 1");
  check(options.span >= 0.1 && options.span <= 100, "denoising", "spans of ", options.span,
        " tokens in the mean, expected 0.1 to 100");
  mask_ = *tokenizer.special().mask;
  const auto n = static_cast<size_t>(tokenizer.vocab_size());
  special_.assign(n, 0);
  ends_sentence_.assign(n, 0);
  for (size_t id = 0; id < n; ++id) {
    special_[id] = tokenizer.is_special(static_cast<int32_t>(id));
    const std::string& token = tokenizer.token(static_cast<int32_t>(id));
    ends_sentence_[id] =
        !token.empty() && std::string_view(".!?").find(token.back()) != std::string_view::npos;
  }
}

std::vector<int32_t> Denoising::noisy(const std::vector<int32_t>& text, uint64_t key,
                                      uint64_t sequence) const {
  engine::Random random(key, sequence);
  std::vector<int32_t> ids = text;
  if (options_.permute) {
    std::vector<std::vector<int32_t>> sentences(1);
    for (const int32_t id : text) {
      sentences.back().push_back(id);
      if (ends_sentence_[static_cast<size_t>(id)]) sentences.emplace_back();
    }
    if (sentences.back().empty()) sentences.pop_back();
    shuffle(sentences, random);
    ids.clear();
    for (const auto& sentence : sentences) ids.insert(ids.end(), sentence.begin(), sentence.end());
  }
  // Spans until the tokens are hidden; the last one is cut to what is left.
  auto left = static_cast<int64_t>(
      std::floor(options_.rate * static_cast<double>(ids.size()) + random.uniform()));
  std::vector<int64_t> spans;
  int64_t shorter = 0;  // by how much; a text never grows
  while (left > 0) {
    const int64_t length = std::min<int64_t>(left, poisson(random, options_.span));
    if (shorter + length < 1) continue;
    spans.push_back(length);
    left -= length;
    shorter += length - 1;
  }
  if (spans.empty()) return ids;
  // The spans, and the tokens that stay, in an order drawn at random: no two spans overlap.
  int64_t kept = static_cast<int64_t>(ids.size());
  for (const int64_t length : spans) kept -= length;
  std::vector<int64_t> items(static_cast<size_t>(kept), -1);
  items.insert(items.end(), spans.begin(), spans.end());
  shuffle(items, random);
  std::vector<int32_t> out;
  size_t at = 0;
  for (const int64_t length : items) {
    if (length < 0) {
      out.push_back(ids[at++]);
      continue;
    }
    out.push_back(mask_);
    at += static_cast<size_t>(length);
  }
  return out;
}

void Denoising::apply(engine::TokenBatch& batch, uint64_t seed, uint64_t step) const {
  const engine::TokenBatch clean = batch;
  batch.ids.clear();
  batch.segments.clear();
  batch.output = {};
  batch.targets = clean.ids;
  const uint64_t key = engine::mix(engine::mix(seed, 0x6e6f697365), step);
  std::vector<int32_t> text;
  for (int s = 0; s < clean.sequences(); ++s) {
    const int32_t begin = clean.segments.begin(s), length = clean.segments.length(s);
    const auto id = [&](int32_t i) { return clean.ids[static_cast<size_t>(begin + i)]; };
    for (int32_t i = 0; i < length; ++i)
      check(id(i) >= 0 && static_cast<size_t>(id(i)) < special_.size(), "denoising", "id ", id(i),
            " is outside a vocabulary of ", special_.size());
    // The special tokens at both ends stay where they are.
    int32_t front = 0, back = length;
    while (front < back && special_[static_cast<size_t>(id(front))]) ++front;
    while (back > front && special_[static_cast<size_t>(id(back - 1))]) --back;
    const auto from = clean.ids.begin() + begin;
    text.assign(from + front, from + back);
    const size_t before = batch.ids.size();
    batch.ids.insert(batch.ids.end(), from, from + front);
    const std::vector<int32_t> noise = noisy(text, key, static_cast<uint64_t>(s));
    batch.ids.insert(batch.ids.end(), noise.begin(), noise.end());
    batch.ids.insert(batch.ids.end(), from + back, from + length);
    batch.segments.add(static_cast<int32_t>(batch.ids.size() - before));
    batch.output.ids.push_back(options_.start >= 0 ? options_.start : id(length - 1));
    batch.output.ids.insert(batch.output.ids.end(), from, from + length - 1);
    batch.output.segments.add(length);
  }
  batch.types.assign(batch.ids.size(), 0);
}

}  // namespace data
