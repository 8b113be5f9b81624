// A corpus as packed batches for pretraining: pieces of documents as sequences, in a new order
// every epoch.
#pragma once

#include <cstdint>
#include <vector>

#include "data/corpus.h"
#include "engine/base/token_batch.h"

namespace data {

// A bijection of 0 .. n-1 by a keyed Feistel network with cycle walking: a shuffle that takes no
// memory and can be asked for any place at once, so that resuming is a matter of one number.
class Permutation {
 public:
  Permutation(int64_t n, uint64_t key);
  int64_t operator()(int64_t i) const;

 private:
  int64_t n_;
  uint64_t key_;
  int half_bits_;
};

// How a piece of a document becomes a sequence.
enum class PackingForm {
  marked,     // [CLS] A [SEP], in pairs and halves too: for encoders
  next_token  // the tokens as they are, each with the next one as its target: for causal models
};

struct PackingOptions {
  int max_length = 128;      // tokens of a sequence with its special tokens; at least 8
  int hold_out_every = 200;  // every so many documents, one is held out; 0: none
  PackingForm form = PackingForm::marked;
  // Of marked sequences:
  double pairs = 0.25;   // this part of the sequences is [CLS] A [SEP] B [SEP], B following A, with
                         // types 0 and 1 ...
  double halves = 0.15;  // ... and this part becomes two sequences [CLS] A [SEP] and [CLS] B [SEP];
                         // the rest [CLS] A [SEP]
  uint64_t seed = 1;
};

// What stands around a causal model's documents: the token that its tokenizer puts in front of a
// text, or the end token where it puts none, as GPT-2 was trained; and the end token. Throws where
// the tokenizer has no end token.
struct DocumentMarks {
  int32_t begin, end;
};
DocumentMarks document_marks(const Tokenizer& tokenizer);

// The documents in pieces that fill a sequence: no token is lost, none is twice, no sequence
// crosses documents or is padded. A document of T tokens makes n = ceil(T / (max_length - 3))
// pieces of T / n tokens, so there are no tiny rests. With PackingForm::next_token it is T + 1
// targets, the end token being the last, in pieces of at most max_length; the first piece begins
// with DocumentMarks::begin, a later one with the last token of the piece before.
class PackedCorpus {
 public:
  enum class Part { train, held_out };
  // Keeps a reference to the corpus. Throws if the part is empty, or if the tokenizer lacks the
  // special tokens of the form.
  PackedCorpus(const Corpus& corpus, const Tokenizer& tokenizer, Part part,
               const PackingOptions& options);

  int64_t pieces() const { return first_.back(); }
  int64_t tokens() const { return tokens_; }  // without special tokens
  // The corpus' tokens [begin, end) of a piece; of next_token, those that it predicts.
  struct Range {
    int64_t begin, end;
    bool first, last;  // of its document
  };
  Range range(int64_t piece) const;

  // Appends one piece as one or two sequences; which, is a function of (seed, epoch, piece).
  // `examples` gets the piece.
  void append(int64_t piece, int64_t epoch, engine::TokenBatch& batch) const;
  // Tokens that append() will add.
  int64_t cost(int64_t piece, int64_t epoch) const;

  const PackingOptions& options() const { return options_; }

 private:
  struct Cut {
    enum Kind { whole, pair, halves } kind;
    int64_t at;  // the first token of B
  };
  Cut cut(const Range& range, int64_t piece, int64_t epoch) const;
  void append_marked(const Range& range, int64_t piece, int64_t epoch,
                     engine::TokenBatch& batch) const;
  void append_next_token(const Range& range, int64_t piece, engine::TokenBatch& batch) const;
  // Targets of next_token beside a document's own tokens: the end token.
  int64_t more() const { return options_.form == PackingForm::next_token ? 1 : 0; }

  const Corpus& corpus_;
  PackingOptions options_;
  DocumentMarks marks_;  // of marked: [CLS] and [SEP]
  std::vector<int64_t> document_,
      first_;  // of this part: its documents, and the number of each's first piece (+ the end)
  int64_t tokens_ = 0;
};

// Endless batches of about as many tokens as asked for, each epoch in an order of its own.
class CorpusBatches {
 public:
  explicit CorpusBatches(const PackedCorpus& packed) : packed_(packed) {}

  // Fills `batch` with whole pieces, as many as fit into `most` tokens, at least one. Buffers are
  // reused.
  void next(engine::TokenBatch& batch, int64_t most);

  // The piece that comes next. A run that saves these two and seeks to them goes on bit for bit.
  int64_t epoch() const { return epoch_; }
  int64_t position() const { return position_; }
  void seek(int64_t epoch, int64_t position);

 private:
  const PackedCorpus& packed_;
  int64_t epoch_ = 0, position_ = 0;
};

void clear(engine::TokenBatch& batch);

}  // namespace data
