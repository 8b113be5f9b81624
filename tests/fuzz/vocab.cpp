// WordPiece's vocab.txt, a zero byte, and a text.
#include "data/tokenizer.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto [vocab, text] = fuzz::halves(input);
  data::TokenizerFiles files("input");
  files.add("vocab.txt", std::string(vocab));
  const data::Tokenizer tokenizer(std::move(files));
  tokenizer.decode(tokenizer.encode_pair(text, "the tea", 64).ids);
}
