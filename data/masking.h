// BERT's masking (Devlin et al. 2019, section 3.1), anew at every step: 15 % of the tokens are
// chosen, of which 80 % become [MASK], 10 % a random token and 10 % stay; the model is to say what
// all of them were.
//
// Everything is a function of (seed, step, number of the sequence in the batch): a resumed run
// masks the same tokens.
#pragma once

#include <cstdint>
#include <vector>

#include "data/tokenizer.h"
#include "engine/base/token_batch.h"

namespace data {

struct MaskingOptions {
  double rate = 0.15;  // of the tokens that are not special, rounded at random so that the mean is
                       // exact; at least one
  bool whole_words =
      false;  // choose words with all their pieces (## continuations) until the number is reached
  double masked = 0.8, random = 0.1;  // of the chosen; the rest stays as it is
};

// What was hidden where. Rows are those of the packed batch, in ascending order.
struct MaskedTokens {
  std::vector<int32_t> rows;
  std::vector<int32_t> labels;  // the ids that stood there

  int64_t count() const { return static_cast<int64_t>(rows.size()); }
};

class Masking {
 public:
  // The tokenizer must have [MASK]. Special tokens are never chosen and never put in as random
  // ones.
  Masking(const Tokenizer& tokenizer, const MaskingOptions& options);

  // Writes over ids of `batch` and fills `masked`. A sequence of special tokens alone is left as it
  // is.
  void apply(engine::TokenBatch& batch, uint64_t seed, uint64_t step, MaskedTokens& masked) const;

  const MaskingOptions& options() const { return options_; }

 private:
  MaskingOptions options_;
  int32_t mask_;
  std::vector<uint8_t> special_, continuation_;  // by id
  std::vector<int32_t> ordinary_;                // ids for random replacement
};

}  // namespace data
