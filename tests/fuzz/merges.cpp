// BPE's vocab.json, a zero byte, merges.txt.
#include "data/tokenizer.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto [vocab, merges] = fuzz::halves(input);
  data::TokenizerFiles files("input");
  files.add("vocab.json", std::string(vocab));
  files.add("merges.txt", std::string(merges));
  const data::Tokenizer tokenizer(std::move(files));
  tokenizer.decode(tokenizer.encode("hello hello", 16).ids);
}
