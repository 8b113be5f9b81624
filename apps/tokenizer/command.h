// Learns a tokenizer from text and writes it as a Hugging Face folder.
//
//   peft tokenizer --type wordpiece --vocab-size 8192 --lowercase --out DIR corpus.txt more.txt.xz
//   xzcat corpus.txt.xz | peft tokenizer --type bpe --vocab-size 16000 --out DIR -
#pragma once

namespace apps {

// `peft tokenizer ARGUMENTS`; argv[0] is the program. Returns the exit code.
int tokenizer_command(int argc, const char* const* argv);

}  // namespace apps
