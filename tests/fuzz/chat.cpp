// A chat as JSON, written in every form that is known; after a zero byte, a tokenizer's own
// chat_template.
#include "data/chat/format.h"
#include "data/language/rows.h"
#include "engine/io/json_parse.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto [chat, config] = fuzz::halves(input);
  data::TokenizerFiles files("input");
  files.add("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ntea\n");
  if (!config.empty()) files.add("tokenizer_config.json", std::string(config));
  const data::Tokenizer tokenizer(std::move(files));
  const auto turns = data::read_turns(
      engine::json_detail::parse_unique<nlohmann::ordered_json>(chat, "chat"), "chat");
  for (const data::ChatFormat& format : data::chat_formats())
    for (const bool open : {false, true})
      fuzz::expect_error_at_most([&] {
        data::encode_chat(tokenizer,
                          format.write(turns, data::chat_marks(tokenizer), open, "chat"));
      });
  data::own_chat_format(tokenizer);
}
