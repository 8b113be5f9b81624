// The tokenizer of a GGUF file: as the files of a folder, and what it makes of a text.
#include "run/gguf_tokenizer.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto tokenizer = run::load_tokenizer(fuzz::folder().write("model.gguf", input));
  tokenizer->decode(tokenizer->encode("It's 12 o'clock <|end|> \n\n ab").ids);
  data::gguf_of_tokenizer(*tokenizer, 0);
}
