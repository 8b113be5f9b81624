#include "data/masking.h"

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "engine/base/philox.h"

namespace data {

using engine::check;

Masking::Masking(const Tokenizer& tokenizer, const MaskingOptions& options) : options_(options) {
  check(tokenizer.special().mask.has_value(), "masking", "the tokenizer has no [MASK]",
        engine::hint("pretraining needs a vocabulary of BERT's kind"));
  check(options.rate > 0 && options.rate < 1, "masking", "a rate of ", options.rate,
        ", expected a part between 0 and 1");
  check(options.masked >= 0 && options.random >= 0 && options.masked + options.random <= 1,
        "masking", "parts of ", options.masked, " masked and ", options.random,
        " random; they must be in [0, 1], together as well");
  mask_ = *tokenizer.special().mask;
  const auto n = static_cast<size_t>(tokenizer.vocab_size());
  special_.assign(n, 0);
  continuation_.assign(n, 0);
  const SpecialIds& s = tokenizer.special();
  for (const auto& id : {s.pad, s.unk, s.cls, s.sep, s.mask, s.bos, s.eos})
    if (id) special_[static_cast<size_t>(*id)] = 1;
  for (size_t id = 0; id < n; ++id) {
    const std::string& token = tokenizer.token(static_cast<int32_t>(id));
    continuation_[id] = token.size() > 2 && token.starts_with("##");
    // [unused12] and holes are never in a text: as replacements they would give themselves away.
    if (!special_[id] && !token.empty() && !token.starts_with("[unused"))
      ordinary_.push_back(static_cast<int32_t>(id));
  }
  check(!ordinary_.empty(), "masking", "the vocabulary has nothing but special tokens");
}

void Masking::apply(engine::TokenBatch& batch, uint64_t seed, uint64_t step,
                    MaskedTokens& masked) const {
  masked.rows.clear();
  masked.labels.clear();
  struct Word {
    int32_t begin, end;
  };
  std::vector<Word> words;
  std::vector<int32_t> chosen;
  for (int s = 0; s < batch.sequences(); ++s) {
    words.clear();
    chosen.clear();
    int32_t candidates = 0;
    const int32_t begin = batch.segments.begin(s), end = begin + batch.segments.length(s);
    for (int32_t row = begin; row < end; ++row) {
      const auto id = static_cast<size_t>(batch.ids[static_cast<size_t>(row)]);
      check(id < special_.size(), "masking", "id ", id, " is outside a vocabulary of ",
            special_.size());
      if (special_[id]) continue;
      ++candidates;
      if (options_.whole_words && continuation_[id] && !words.empty() && words.back().end == row)
        ++words.back().end;
      else
        words.push_back({row, row + 1});
    }
    if (candidates == 0) continue;
    engine::Random random(engine::mix(engine::mix(seed, 0x6d61736b), step),
                          static_cast<uint64_t>(s));
    const auto wanted = std::max<int32_t>(
        1, static_cast<int32_t>(std::floor(options_.rate * candidates + random.uniform())));
    for (size_t left = words.size(); left > 0 && static_cast<int32_t>(chosen.size()) < wanted;
         --left) {
      std::swap(words[random.below(left)], words[left - 1]);
      const Word word = words[left - 1];
      const auto after = static_cast<int32_t>(chosen.size()) + word.end - word.begin;
      if (after > wanted && !chosen.empty()) continue;  // a long word: others may still fit
      for (int32_t row = word.begin; row < word.end; ++row) chosen.push_back(row);
    }
    std::sort(chosen.begin(), chosen.end());
    for (const int32_t row : chosen) {
      int32_t& id = batch.ids[static_cast<size_t>(row)];
      masked.rows.push_back(row);
      masked.labels.push_back(id);
      const double u = random.uniform();
      if (u < options_.masked)
        id = mask_;
      else if (u < options_.masked + options_.random)
        id = ordinary_[random.below(ordinary_.size())];
    }
  }
}

}  // namespace data
