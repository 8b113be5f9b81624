// Tokenizers of every kind against Hugging Face's Rust library and SentencePiece
// (tools/goldens/tokenizer_kinds.py).
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "data/decode_stream.h"
#include "data/tokenizer.h"
#include "tests/support/paths.h"

using namespace data;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

namespace {

const Json& golden() {
  static const Json json =
      Json::parse(testing::read_file(testing::golden("tokenizers/cases.json")));
  return json;
}

std::unique_ptr<Tokenizer> open_kind(const std::string& name) {
  TokenizerFiles files(name);
  files.add("tokenizer.json", testing::read_file(testing::golden("tokenizers/" + name + ".json")));
  return std::make_unique<Tokenizer>(std::move(files));
}

std::string streamed(const Tokenizer& tokenizer, const Ids& ids) {
  DecodeStream stream(tokenizer);
  std::string text;
  for (const int32_t id : ids) text += stream.push(id);
  return text + stream.finish();
}

}  // namespace

TEST_CASE("tokenizers of every kind give the Rust library's ids") {
  const auto texts = golden().at("texts").get<std::vector<std::string>>();
  for (const Json& c : golden().at("cases")) {
    const std::string name = c.at("name");
    CAPTURE(name);
    const auto tokenizer = open_kind(name);
    for (size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(texts[i]);
      CHECK(tokenizer->encode(texts[i]).ids == c.at("ids")[i].get<Ids>());
    }
    for (size_t i = 0; i < golden().at("pairs").size(); ++i) {
      const Json& pair = golden().at("pairs")[i];
      const Encoding got =
          tokenizer->encode_pair(pair[0].get<std::string>(), pair[1].get<std::string>());
      CAPTURE(pair.dump());
      CHECK(got.ids == c.at("pair_ids")[i].get<Ids>());
      CHECK(got.types == c.at("pair_types")[i].get<Ids>());
    }
  }
}

TEST_CASE("tokenizers of every kind decode as the Rust library does") {
  for (const Json& c : golden().at("cases")) {
    const std::string name = c.at("name");
    CAPTURE(name);
    const auto tokenizer = open_kind(name);
    for (size_t i = 0; i < c.at("ids").size(); ++i) {
      const Ids ids = c.at("ids")[i].get<Ids>();
      CAPTURE(golden().at("texts")[i].dump());
      CHECK(tokenizer->decode(ids) == c.at("decoded")[i].get<std::string>());
      CHECK(tokenizer->decode(ids, false) == c.at("decoded_all")[i].get<std::string>());
    }
  }
}

TEST_CASE("text that is decoded id by id is the text that is decoded at once") {
  for (const char* name : {"llama", "llama3", "qwen2", "gpt2_prefix", "t5", "wordpiece"}) {
    const auto tokenizer = open_kind(name);
    CAPTURE(name);
    for (const Json& text : golden().at("texts")) {
      const Ids ids = tokenizer->encode(text.get<std::string>()).ids;
      CAPTURE(text.dump());
      CHECK(streamed(*tokenizer, ids) == tokenizer->decode(ids));
    }
  }
  // The four bytes of a character come as tokens of their own: nothing is written before the last.
  const auto tokenizer = open_kind("llama");
  DecodeStream stream(*tokenizer);
  const Ids ids = tokenizer->encode("\U0001F600").ids;
  REQUIRE(ids.size() == 6);  // <s>, the space, four bytes
  for (size_t i = 0; i + 1 < ids.size(); ++i) CHECK(stream.push(ids[i]).empty());
  CHECK(stream.push(ids.back()) == "\U0001F600");
}

TEST_CASE("SentencePiece models alone: as SentencePiece, and as the classes that use them") {
  const auto texts = golden().at("texts").get<std::vector<std::string>>();
  for (const Json& c : golden().at("sentencepiece")) {
    const std::string name = c.at("name"), class_name = c.at("class");
    CAPTURE(name);
    TokenizerFiles files(name);
    files.add(c.value("as", std::string("spiece.model")),
              testing::read_file(testing::golden("tokenizers/" + c.at("file").get<std::string>())));
    if (!class_name.empty()) {
      Json config = c.at("config");
      config["tokenizer_class"] = class_name;
      files.add("tokenizer_config.json", config.dump());
    }
    const Tokenizer tokenizer(std::move(files));
    for (size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(texts[i]);
      if (c.at("own") == true) {
        // It does not look for <s> in texts; and the Rust library applies the character map to
        // whole graphemes ("\r\n"), where SentencePiece takes the longest match.
        if (texts[i].find('<') != std::string::npos || texts[i].find('\r') != std::string::npos ||
            texts[i].starts_with("e\u0301"))
          continue;
        Ids ids;
        tokenizer.tokenize(texts[i], ids);
        CHECK(ids == c.at("ids")[i].get<Ids>());
      } else {
        CHECK(tokenizer.encode(texts[i]).ids == c.at("ids")[i].get<Ids>());
      }
    }
  }
}
