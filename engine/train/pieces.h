// A batch in pieces: whole sequences, computed one piece after the other with the gradients added
// up.
//
// What an update computes does not change: the loss is a mean over sequences, so each piece counts
// by its share of them, and the sum of the pieces' gradients is the batch's. What changes is that
// only one piece's activations live at a time, so they fit the processor's caches and the memory
// above the weights no longer grows with the batch.
#pragma once

#include "engine/base/token_batch.h"
#include "engine/nn/module.h"

namespace engine {

// Of options: as many tokens as default_piece_tokens says.
inline constexpr int64_t kPiecesByWidth = -1;

// As many tokens as keep one activation of the model's widest layer (the feed-forward) at about 6
// MB in float, which caches hold: 1,024 up to a width of 1,536, 512 for BERT-base, at least 256.
int64_t default_piece_tokens(Module& model);

class Pieces {
 public:
  // Pieces of at most `most_tokens` (outputs counted with their inputs), as alike in tokens as
  // whole sequences allow; a sequence is never cut, so one that is longer is a piece of its own. 0:
  // the whole batch is one piece. The buffers are reused; `batch` must stay until the last was
  // taken.
  void cut(const TokenBatch& batch, int64_t most_tokens);

  int count() const { return static_cast<int>(ends_.size()); }
  // The piece's sequences over the batch's: the weight of its loss.
  double share(int piece) const {
    return static_cast<double>(ends_[static_cast<size_t>(piece)] - begin(piece)) /
           batch_->sequences();
  }
  const TokenBatch& get(int piece);
  // GraphOptions::step for a piece of a batch: pieces drop differently, and the first as the whole
  // batch would.
  static uint64_t step(uint64_t batch_step, int piece) {
    return batch_step | static_cast<uint64_t>(piece) << 40;
  }

 private:
  int begin(int piece) const { return piece ? ends_[static_cast<size_t>(piece) - 1] : 0; }

  const TokenBatch* batch_ = nullptr;
  std::vector<int> ends_;  // of the pieces, in sequences
  TokenBatch part_;
};

}  // namespace engine
