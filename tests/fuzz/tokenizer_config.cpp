// tokenizer_config.json, a zero byte, special_tokens_map.json; beside a vocabulary.
#include "data/tokenizer.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto [config, map] = fuzz::halves(input);
  data::TokenizerFiles files("input");
  files.add("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ntea\n##s\nwas\n");
  files.add("tokenizer_config.json", std::string(config));
  if (!map.empty()) files.add("special_tokens_map.json", std::string(map));
  const data::Tokenizer tokenizer(std::move(files));
  tokenizer.decode(tokenizer.encode("the teas was [MASK] ok", 16).ids);
}
