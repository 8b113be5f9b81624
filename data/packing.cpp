#include "data/packing.h"

#include <algorithm>
#include <bit>

#include "engine/base/error.h"
#include "engine/base/philox.h"

namespace data {

using engine::check;
using engine::mix;

Permutation::Permutation(int64_t n, uint64_t key) : n_(n), key_(key) {
  const int bits = std::max(
      2, static_cast<int>(std::bit_width(static_cast<uint64_t>(std::max<int64_t>(n, 1)) - 1)));
  half_bits_ = (bits + 1) / 2;  // the network's domain is less than 8 n, so the walk is short
}

int64_t Permutation::operator()(int64_t i) const {
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  auto x = static_cast<uint64_t>(i);
  do {
    uint64_t left = x >> half_bits_, right = x & mask;
    for (uint64_t round = 0; round < 4; ++round) {
      const uint64_t mixed = left ^ (engine::philox(key_, right, round)[0] & mask);
      left = right;
      right = mixed;
    }
    x = left << half_bits_ | right;
  } while (x >= static_cast<uint64_t>(n_));
  return static_cast<int64_t>(x);
}

DocumentMarks document_marks(const Tokenizer& tokenizer) {
  const SpecialTemplate& parts = tokenizer.special_template();
  const int32_t end = tokenizer.special().eos.value_or(parts.closing());
  check(end >= 0, "packing", "the tokenizer has no end token",
        engine::hint("a causal model learns where a text ends: name an eos_token in "
                     "tokenizer_config.json"));
  return {parts.opening() >= 0 ? parts.opening() : end, end};
}

namespace {

DocumentMarks sentence_marks(const Tokenizer& tokenizer) {
  check(tokenizer.special().cls && tokenizer.special().sep, "packing",
        "the tokenizer has no [CLS] or no [SEP]",
        engine::hint("pretraining an encoder needs a vocabulary of BERT's kind"));
  return {*tokenizer.special().cls, *tokenizer.special().sep};
}

}  // namespace

PackedCorpus::PackedCorpus(const Corpus& corpus, const Tokenizer& tokenizer, Part part,
                           const PackingOptions& options)
    : corpus_(corpus),
      options_(options),
      marks_(options.form == PackingForm::marked ? sentence_marks(tokenizer)
                                                 : document_marks(tokenizer)) {
  check(options.max_length >= 8, "packing", "a max_length of ", options.max_length,
        " tokens, expected 8 or more");
  check(options.pairs >= 0 && options.halves >= 0 && options.pairs + options.halves <= 1, "packing",
        "parts of ", options.pairs, " pairs and ", options.halves,
        " halves; they must be in [0, 1], together as well");
  const int64_t payload = options.max_length - (more() ? 0 : 3);
  const int64_t every = options.hold_out_every;
  first_.push_back(0);
  for (int64_t d = 0; d < corpus.documents(); ++d) {
    const bool held_out = every > 0 && d % every == every - 1;
    if (held_out != (part == Part::held_out)) continue;
    document_.push_back(d);
    tokens_ += corpus.length(d);
    first_.push_back(first_.back() + (corpus.length(d) + more() + payload - 1) / payload);
  }
  check(pieces() > 0, "packing",
        part == Part::train ? "no document is left to train on" : "no document is held out", " of ",
        corpus.documents(), " documents",
        engine::hint("every ", every, "th is held out: change --held-out"));
}

PackedCorpus::Range PackedCorpus::range(int64_t piece) const {
  const auto after = std::upper_bound(first_.begin(), first_.end(), piece);
  const auto at = static_cast<size_t>(after - first_.begin()) - 1;
  const int64_t j = piece - first_[at], n = first_[at + 1] - first_[at];
  const int64_t begin = corpus_.begin(document_[at]), length = corpus_.length(document_[at]);
  const int64_t all = length + more();
  return {begin + all * j / n, begin + std::min(length, all * (j + 1) / n), j == 0, j + 1 == n};
}

// A and B have at least two tokens each, or the piece stays whole.
PackedCorpus::Cut PackedCorpus::cut(const Range& r, int64_t piece, int64_t epoch) const {
  constexpr int64_t kLeast = 2;
  if (r.end - r.begin < 2 * kLeast) return {Cut::whole, r.end};
  const auto random = engine::philox(mix(options_.seed, 0x70616972), static_cast<uint64_t>(piece),
                                     static_cast<uint64_t>(epoch));
  const double u = (random[0] + 0.5) / 4294967296.0;
  if (u >= options_.pairs + options_.halves) return {Cut::whole, r.end};
  const auto places = static_cast<uint64_t>(r.end - r.begin - 2 * kLeast + 1);
  const int64_t at = r.begin + kLeast + static_cast<int64_t>((random[1] * places) >> 32);
  return {u < options_.pairs ? Cut::pair : Cut::halves, at};
}

int64_t PackedCorpus::cost(int64_t piece, int64_t epoch) const {
  const Range r = range(piece);
  if (options_.form == PackingForm::next_token) return r.end - r.begin + (r.last ? 1 : 0);
  const Cut c = cut(r, piece, epoch);
  return r.end - r.begin + (c.kind == Cut::whole ? 2 : c.kind == Cut::pair ? 3 : 4);
}

void PackedCorpus::append(int64_t piece, int64_t epoch, engine::TokenBatch& batch) const {
  if (options_.form == PackingForm::next_token)
    append_next_token(range(piece), piece, batch);
  else
    append_marked(range(piece), piece, epoch, batch);
}

void PackedCorpus::append_next_token(const Range& r, int64_t piece,
                                     engine::TokenBatch& batch) const {
  if (r.first) batch.ids.push_back(marks_.begin);
  // What is predicted is read too, but for the last, and behind the token before it.
  corpus_.append(r.first ? r.begin : r.begin - 1, r.last ? r.end : r.end - 1, batch.ids);
  corpus_.append(r.begin, r.end, batch.targets);
  if (r.last) batch.targets.push_back(marks_.end);
  batch.types.resize(batch.ids.size(), 0);
  batch.segments.add(static_cast<int32_t>(batch.tokens()) - batch.segments.rows());
  batch.examples.push_back(piece);
}

void PackedCorpus::append_marked(const Range& r, int64_t piece, int64_t epoch,
                                 engine::TokenBatch& batch) const {
  const Cut c = cut(r, piece, epoch);
  const auto sequence = [&] {
    batch.types.resize(batch.ids.size(), 0);
    batch.segments.add(static_cast<int32_t>(batch.tokens()) - batch.segments.rows());
    batch.examples.push_back(piece);
  };
  batch.ids.push_back(marks_.begin);
  corpus_.append(r.begin, c.at, batch.ids);
  batch.ids.push_back(marks_.end);
  if (c.kind == Cut::pair) {
    batch.types.resize(batch.ids.size(), 0);
    corpus_.append(c.at, r.end, batch.ids);
    batch.ids.push_back(marks_.end);
    batch.types.resize(batch.ids.size(), 1);
  }
  sequence();
  if (c.kind != Cut::halves) return;
  batch.ids.push_back(marks_.begin);
  corpus_.append(c.at, r.end, batch.ids);
  batch.ids.push_back(marks_.end);
  sequence();
}

void clear(engine::TokenBatch& batch) {
  batch.ids.clear();
  batch.types.clear();
  batch.segments.clear();
  batch.targets.clear();
  batch.labels.clear();
  batch.examples.clear();
}

void CorpusBatches::next(engine::TokenBatch& batch, int64_t most) {
  clear(batch);
  for (;;) {
    const Permutation order(packed_.pieces(),
                            mix(packed_.options().seed, static_cast<uint64_t>(epoch_)));
    const int64_t piece = order(position_);
    if (batch.tokens() > 0 && batch.tokens() + packed_.cost(piece, epoch_) > most) return;
    packed_.append(piece, epoch_, batch);
    if (++position_ == packed_.pieces()) {
      ++epoch_;
      position_ = 0;
    }
  }
}

void CorpusBatches::seek(int64_t epoch, int64_t position) {
  check(epoch >= 0 && position >= 0 && position < packed_.pieces(), "packing", "no piece ",
        position, " in epoch ", epoch, "; an epoch has ", packed_.pieces(),
        engine::hint("was the run saved with another corpus or max_length?"));
  epoch_ = epoch;
  position_ = position;
}

}  // namespace data
