// A SentencePiece model.
#include "data/tokenizer.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  data::TokenizerFiles files("input");
  files.add("spiece.model", std::string(input));
  files.add("tokenizer_config.json", "{\"tokenizer_class\": \"AlbertTokenizer\"}");
  const data::Tokenizer tokenizer(std::move(files));
  tokenizer.decode(tokenizer.encode("hello hello", 16).ids);
}
