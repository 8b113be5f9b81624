// Chats written as transformers' apply_chat_template writes them (tools/goldens/chats.py).
#include <doctest/doctest.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "data/chat/format.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"

using namespace data;
using Json = nlohmann::json;

namespace {

Json golden_json(const std::string& name) {
  return Json::parse(testing::read_file(testing::golden("language_model/" + name)));
}

std::vector<Turn> turns_of(const Json& chat) {
  std::vector<Turn> turns;
  for (const Json& turn : chat) turns.push_back({turn[0], turn[1]});
  return turns;
}

std::string joined(const std::vector<ChatPiece>& pieces) {
  std::string text;
  for (const ChatPiece& piece : pieces) text += piece.text;
  return text;
}

// The tokenizer of tests/golden/language_model with another tokenizer_config.json.
std::unique_ptr<Tokenizer> with_template(const Json& chat_template, const std::string& jinja = "") {
  TokenizerFiles files = TokenizerFiles::read(testing::golden("language_model"));
  Json config = files.json("tokenizer_config.json");
  config["chat_template"] = chat_template;
  files.add("tokenizer_config.json", config.dump());
  if (!jinja.empty()) files.add("chat_template.jinja", jinja);
  return std::make_unique<Tokenizer>(std::move(files));
}

}  // namespace

TEST_CASE("chats: every format writes what its template writes") {
  const Json golden = golden_json("chats.json");
  char today[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(today, sizeof today, "%d %b %Y", std::localtime(&now));
  CHECK(golden["formats"].size() == chat_formats().size());
  for (const ChatFormat& format : chat_formats()) {
    const Json& texts = golden["formats"].at(format.name);
    for (size_t i = 0; i < golden["chats"].size(); ++i) {
      CAPTURE(format.name);
      CAPTURE(i);
      const auto turns = turns_of(golden["chats"][i]);
      const auto write = [&](bool open) {
        return joined(format.write(turns, {"<s>", "</s>"}, open, "chat"));
      };
      if (texts[i].is_null()) {
        CHECK(testing::contains(testing::message_of([&] { write(false); }), "chat"));
        continue;
      }
      for (const bool open : {false, true}) {
        std::string wanted = texts[i][open ? 1 : 0];
        if (const size_t at = wanted.find("{today}"); at != std::string::npos)
          wanted.replace(at, 7, today);
        CHECK(write(open) == wanted);
      }
    }
  }
}

TEST_CASE("chats: an answer is the assistant's text with the mark that ends it, and nothing else") {
  for (const ChatFormat& format : chat_formats()) {
    CAPTURE(format.name);
    const std::vector<Turn> turns = {{"system", "brief"}, {"user", "who"}, {"assistant", "me"}};
    std::string answers;
    const auto pieces = format.write(turns, {"<s>", "</s>"}, false, "chat");
    for (const ChatPiece& piece : pieces)
      if (piece.answer) answers += piece.text;
    const std::string end = format.name.starts_with("llama3") ? "<|eot_id|>"
                            : joined(pieces).starts_with("<|im") || format.name == "hermes"
                                ? "<|im_end|>"
                                : "</s>";
    CHECK(answers.ends_with(end));
    CHECK(testing::contains(answers, "me"));
    CHECK_FALSE(testing::contains(answers, "assistant"));
    // In use the text ends where the answer begins.
    const std::vector<Turn> question = {turns[0], turns[1]};
    const std::string open = joined(format.write(question, {"<s>", "</s>"}, true, "chat"));
    CHECK(joined(pieces).starts_with(open + answers));
  }
}

TEST_CASE("chats: ids and what is learned are transformers', and no begin token is added") {
  const auto tokenizer = load_tokenizer(testing::golden("language_model"));
  const Json golden = golden_json("golden.json");
  for (size_t i = 0; i < golden["rows"]["chat"].size(); ++i) {
    std::vector<Turn> turns;
    for (const Json& m : golden["rows"]["chat"][i]["messages"])
      turns.push_back({m["role"], m["content"]});
    const ChatIds mine = encode_chat(
        *tokenizer,
        own_chat_format(*tokenizer).write(turns, chat_marks(*tokenizer), false, "chat"));
    CHECK(mine.ids == golden["ids"]["chat"][i].get<std::vector<int32_t>>());
    for (size_t t = 0; t < mine.ids.size(); ++t) {
      CAPTURE(t);
      CHECK((mine.answer[t] != 0) == (golden["labels"]["chat"][i][t] != -100));
    }
  }
}

TEST_CASE("chats: a token that crosses into an answer is part of it") {
  const auto tokenizer = load_tokenizer(testing::golden("language_model"));
  // "\ns" is one piece of this vocabulary, so an answer that begins with "s" takes the line break.
  const std::vector<ChatPiece> pieces = {{"user\n", false}, {"sea", true}, {"<|im_end|>", false}};
  const ChatIds ids = encode_chat(*tokenizer, pieces);
  std::string learned;
  for (size_t i = 0; i < ids.ids.size(); ++i)
    if (ids.answer[i]) learned += tokenizer->token(ids.ids[i]);
  CHECK(testing::contains(learned, "s"));
  CHECK_FALSE(testing::contains(learned, "<|im_end|>"));
  CHECK_FALSE(testing::contains(learned, "user"));
}

TEST_CASE("chats: a template is known by its whole text, however its line breaks are spelled") {
  const Json config = golden_json("tokenizer_config.json");
  const std::string text = config["chat_template"];
  CHECK(own_chat_format(*with_template(text)).name == "chatml");
  std::string broken = text;
  for (size_t at = 0; (at = broken.find("\\n", at)) != std::string::npos;)
    broken.replace(at, 2, "\n");
  CHECK(own_chat_format(*with_template(broken)).name == "chatml");
  CHECK(own_chat_format(*with_template("other", text + "\n")).name == "chatml");
  CHECK(own_chat_format(*with_template(Json::array({{{"name", "tool_use"}, {"template", "x"}},
                                                    {{"name", "default"}, {"template", text}}})))
            .name == "chatml");
  for (const Json& bad : {Json("{{ messages }}"), Json(text + " "), Json(nullptr)}) {
    const std::string said = testing::message_of([&] { own_chat_format(*with_template(bad)); });
    CHECK(testing::contains(said, "--chat-format"));
    CHECK(testing::contains(said, "zephyr"));
  }
  CHECK(testing::contains(testing::message_of([] { chat_format("vicuna"); }), "chatml, smollm2"));
}

TEST_CASE("chats: SmolLM2's own template and ids") {
  const auto shared = testing::shared_dir("tokenizers/smollm2");
  if (!shared) return;
  const auto tokenizer = load_tokenizer(*shared);
  const ChatFormat& format = own_chat_format(*tokenizer);
  CHECK(format.name == "smollm2");
  const std::vector<Turn> turns = {{"user", "Hi"}, {"assistant", "Hello"}};
  const ChatIds ids =
      encode_chat(*tokenizer, format.write(turns, chat_marks(*tokenizer), false, "chat"));
  // transformers 5.24: system message, user and assistant.
  CHECK(ids.ids.front() == 1);
  std::vector<int32_t> learned;
  for (size_t i = 0; i < ids.ids.size(); ++i)
    if (ids.answer[i]) learned.push_back(ids.ids[i]);
  CHECK(learned == std::vector<int32_t>{19556, 2});
}
