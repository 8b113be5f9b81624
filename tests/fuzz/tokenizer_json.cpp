// tokenizer.json, a zero byte, and a text to tokenise with it.
#include "data/tokenizer.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto [document, text] = fuzz::halves(input);
  data::TokenizerFiles files("input");
  files.add("tokenizer.json", std::string(document));
  const data::Tokenizer tokenizer(std::move(files));
  std::vector<int32_t> ids;
  tokenizer.tokenize(text.substr(0, 2000), ids);
  tokenizer.decode(ids);
}
