// BART's denoising (Lewis et al. 2019, section 2.2): sentences change places, and spans of Poisson
// lengths are each hidden behind one [MASK] until `rate` of the tokens are; the decoder writes the
// text as it was. All of it is a function of (seed, step, number of the sequence in the batch).
#pragma once

#include <cstdint>
#include <vector>

#include "data/tokenizer.h"
#include "engine/base/token_batch.h"

namespace data {

struct DenoisingOptions {
  double rate = 0.3;    // of the tokens that are not special; 0: nothing is hidden
  double span = 3;      // mean length of a span
  bool permute = true;  // the sentences of a text
  int32_t start = -1;   // the id that every output begins with
};

class Denoising {
 public:
  // The tokenizer must have a mask token. A sentence ends with a token that ends with . ! or ?
  Denoising(const Tokenizer& tokenizer, const DenoisingOptions& options);

  // A batch of marked sequences ([CLS] A [SEP]) becomes inputs with noise, outputs and targets: the
  // sequences as they were, which the decoder reads one place later, behind `start`.
  void apply(engine::TokenBatch& batch, uint64_t seed, uint64_t step) const;

 private:
  // Token ids of a text without its special tokens, with noise; draws from (key, sequence).
  std::vector<int32_t> noisy(const std::vector<int32_t>& text, uint64_t key,
                             uint64_t sequence) const;

  DenoisingOptions options_;
  int32_t mask_;
  std::vector<uint8_t> special_, ends_sentence_;  // by id
};

}  // namespace data
