// A tokenizer's files are read in whole, or refused by name.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "data/tokenizer.h"
#include "data/tokenizers/pattern.h"
#include "engine/base/error.h"
#include "tests/support/paths.h"

using namespace data;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

namespace {

// A small BERT as tokenizer.json: words a b c, and [CLS] A [SEP].
Json bert() {
  return Json::parse(R"({"version": "1.0",
    "added_tokens": [{"id": 1, "content": "[CLS]", "special": true, "normalized": false}],
    "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                   "strip_accents": null, "lowercase": true},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
      "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]}}},
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "[CLS]": 1, "a": 2, "b": 3, "c": 4}}})");
}

std::unique_ptr<Tokenizer> load(const Json& document, const Json& config = {},
                                const Json& map = {}) {
  TokenizerFiles files("folder");
  files.add("tokenizer.json", document.dump());
  if (!config.is_null()) files.add("tokenizer_config.json", config.dump());
  if (!map.is_null()) files.add("special_tokens_map.json", map.dump());
  return std::make_unique<Tokenizer>(std::move(files));
}

std::string error(const Json& document, const Json& config = {}, const Json& map = {}) {
  try {
    load(document, config, map);
    return "none";
  } catch (const engine::Error& e) {
    return e.what();
  }
}

bool tells(const std::string& message, const std::string& part) {
  if (message.find(part) != std::string::npos) return true;
  MESSAGE(message);
  return false;
}

}  // namespace

TEST_CASE("special tokens are taken from wherever they are named") {
  const auto t =
      load(bert(), {{"additional_special_tokens", {"[URL]", "b"}}, {"pad_token", "[PAD]"}},
           {{"sep_token", {{"content", "[SEP]"}, {"lstrip", true}}}});
  CHECK(t->id("[URL]").has_value());
  CHECK(t->special().pad == t->id("[PAD]"));
  CHECK(t->special().sep == t->id("[SEP]"));
  CHECK(t->encode("see[URL] b").ids == Ids{1, 0, *t->id("[URL]"), 3});
  CHECK(t->decode(Ids{2, *t->id("[URL]"), 3}) == "a");  // b is special now
  Ids ids;
  t->tokenize("a   [SEP]", ids);
  CHECK(ids == Ids{2, *t->id("[SEP]")});
  CHECK(load(bert(), {{"extra_special_tokens", {{"image", "<img>"}}}})->id("<img>") == 5);
}

TEST_CASE("sides and lengths: tokenizer_config.json before tokenizer.json") {
  Json document = bert();
  CHECK(load(document)->truncation_side() == Side::right);
  document["truncation"] = {
      {"direction", "Left"}, {"max_length", 4}, {"strategy", "LongestFirst"}, {"stride", 0}};
  document["padding"] = {{"direction", "Left"}};
  const auto left = load(document, {{"model_max_length", 77}});
  CHECK(left->truncation_side() == Side::left);
  CHECK(left->padding_side() == Side::left);
  CHECK(left->model_max_length() == 77);
  CHECK(left->encode("a b c", 3).ids == Ids{1, 3, 4});
  CHECK(left->encode_pair("a b c", "a b", 3).ids == Ids{3, 4, 3});
  const auto right = load(document, {{"truncation_side", "right"}, {"model_max_length", 1e30}});
  CHECK(right->encode("a b c", 3).ids == Ids{1, 2, 3});
  CHECK(right->model_max_length() == 0);
  CHECK(tells(error(bert(), {{"truncation_side", "top"}}), "truncation_side\" is 'top'"));
  CHECK(tells(error(bert(), {{"model_max_length", "512"}}), "model_max_length"));
}

TEST_CASE("add_bos_token and add_eos_token replace the template") {
  const Json names = {{"bos_token", "[CLS]"}, {"eos_token", "c"}, {"add_bos_token", true}};
  CHECK(load(bert(), names)->encode("a").ids == Ids{1, 2});
  Json both = names;
  both["add_eos_token"] = true;
  CHECK(load(bert(), both)->encode_pair("a", "b").ids == Ids{1, 2, 4, 1, 3, 4});
  CHECK(load(bert(), {{"add_bos_token", false}})->encode("a").ids == Ids{2});
  CHECK(tells(error(bert(), {{"add_bos_token", true}}), "no file names a bos_token"));
}

TEST_CASE("ids that are no whole numbers, twice or far outside are refused") {
  const auto with = [](const char* token, const Json& id) {
    Json document = bert();
    document["model"]["vocab"][token] = id;
    return error(document);
  };
  CHECK(tells(with("x", 1.5), "'x' has the id 1.5, expected a whole number"));
  CHECK(tells(with("x", "5"), "expected a whole number"));
  CHECK(tells(with("x", -1), "'x' has the id -1"));
  CHECK(tells(with("x", 3), "the id 3 is there twice, for"));
  CHECK(tells(with("x", 16'000'000), "far above the number of tokens"));
  CHECK(tells(with("x", 18446744073709551615u), "far above the number of tokens"));
  CHECK(with("x", 40) == "none");  // holes are fine

  const auto added = [](const Json& token) {
    Json document = bert();
    document["added_tokens"].push_back(token);
    return error(document);
  };
  CHECK(
      tells(added({{"id", 3}, {"content", "x"}}), "the id 3 is there twice, for 'x' and for 'b'"));
  CHECK(tells(added({{"id", 9}, {"content", "b"}}), "'b' has the id 9, and in the vocabulary 3"));
  CHECK(tells(added({{"id", 1 << 24}, {"content", "x"}}), "far above"));
  CHECK(tells(added({{"id", 6.5}, {"content", "x"}}), "expected a whole number"));
  CHECK(tells(added({{"content", "x"}}), "no \"id\""));
  CHECK(tells(added({{"id", 7}}), "no \"content\""));
  CHECK(tells(added({{"id", 7}, {"content", "x"}, {"lstrip", "yes"}}), "expected true or false"));
  CHECK(tells(error(bert(), {{"added_tokens_decoder", {{"7x", {{"content", "x"}}}}}}),
              "expected a whole number"));
}

TEST_CASE("templates without their text, or with ids outside the vocabulary, are refused") {
  const auto with = [](const char* key, const Json& parts) {
    Json document = bert();
    document["post_processor"][key] = parts;
    return error(document);
  };
  const Json a = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const Json cls = {{"SpecialToken", {{"id", "[CLS]"}, {"type_id", 0}}}};
  CHECK(tells(with("single", Json::array({cls})), "\"single\" has the text A 0 times"));
  CHECK(tells(with("single", Json::array({a, a})), "\"single\" has the text A 2 times"));
  CHECK(tells(with("pair", Json::array({a})), "\"pair\" has the text B 0 times"));
  CHECK(tells(with("single", Json::array({{{"SpecialToken", {{"id", "[X]"}, {"type_id", 0}}}}})),
              "'[X]' is not among"));
  CHECK(tells(with("single", Json::array({a, 7})), "which is no part of a template"));
  Json document = bert();
  document["post_processor"]["special_tokens"]["[CLS]"]["ids"] = {99};
  CHECK(tells(error(document), "has the id 99"));
  document = bert();
  document["post_processor"] = {
      {"type", "Sequence"}, {"processors", {bert()["post_processor"], bert()["post_processor"]}}};
  CHECK(tells(error(document), "two templates"));
}

TEST_CASE("parts and classes of another kind are refused by name") {
  const auto with = [](const char* part, const Json& json) {
    Json document = bert();
    document[part] = json;
    return error(document);
  };
  CHECK(tells(with("normalizer", {{"type", "Jieba"}}), "normalizer of type 'Jieba' is not known"));
  CHECK(tells(with("pre_tokenizer", {{"type", "UnicodeScripts"}}),
              "pre_tokenizer of type 'UnicodeScripts'"));
  CHECK(tells(with("decoder", {{"type", "CTC"}}), "decoder of type 'CTC'"));
  CHECK(tells(with("post_processor", {{"type", "Mine"}}), "post_processor of type 'Mine'"));
  CHECK(tells(with("model", {{"type", "Neural"}, {"vocab", 1}}), "tokenizer of type Neural"));
  CHECK(tells(with("version", "2.0"), "its version \"2.0\" is not known"));
  CHECK(tells(with("normalizer", 5), "normalizer should be an object"));
  for (const char* name :
       {"BertJapaneseTokenizer", "PhobertTokenizer", "XLMTokenizer", "ByT5Tokenizer"})
    CHECK(
        tells(error(bert(), {{"tokenizer_class", name}}), std::string("tokenizer_class ") + name));
  CHECK(error(bert(), {{"tokenizer_class", "HerbertTokenizerFast"}}) == "none");
  Json dropout =
      Json::parse(R"({"model": {"type": "BPE", "dropout": 0.1, "vocab": {"a": 0}, "merges": []}})");
  CHECK(tells(error(dropout), "'dropout'"));
  CHECK(tells(
      error(Json::parse(R"({"model": {"type": "Unigram", "unk_id": 7, "vocab": [["a", 0.5]]}})")),
      "\"unk_id\" is 7"));

  testing::TempDir folder;  // without tokenizer.json, the class says what the files mean
  testing::write_file(folder / "vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\n");
  testing::write_file(folder / "tokenizer_config.json",
                      R"({"tokenizer_class": "FunnelTokenizer"})");
  CHECK_THROWS_WITH_AS(load_tokenizer(folder.path()), doctest::Contains("FunnelTokenizer"),
                       engine::Error);
  testing::TempDir bpe;
  testing::write_file(bpe / "vocab.json", R"({"a": 0})");
  testing::write_file(bpe / "merges.txt", "");
  testing::write_file(bpe / "tokenizer_config.json", R"({"tokenizer_class": "HerbertTokenizer"})");
  CHECK_THROWS_WITH_AS(load_tokenizer(bpe.path()), doctest::Contains("HerbertTokenizer"),
                       engine::Error);
}

TEST_CASE("regular expressions: linear time, and what needs more is refused by name") {
  const auto refused = [](const char* pattern) -> std::string {
    try {
      Pattern::regex(pattern, "file");
      return "none";
    } catch (const engine::Error& e) {
      return e.what();
    }
  };
  CHECK(tells(refused("a(?=b)"), "a look-around"));
  CHECK(tells(refused("(?<!a)b"), "a look-around"));
  CHECK(tells(refused(R"(\s+(?!\S)|a)"), "a look-around"));
  CHECK(tells(refused("a++"), "a possessive quantifier"));
  CHECK(tells(refused("(?>a)"), "an atomic group"));
  CHECK(tells(refused(R"((a)\1)"), "an escape that is not known"));
  CHECK(tells(refused("[a&&b]"), "an intersection"));
  CHECK(tells(refused("[a[b]]"), "a class inside a class"));
  CHECK(tells(refused("(a"), "cannot be used"));
  CHECK(tells(refused("a*"), "matches the empty text"));
  CHECK(refused("(?i:'s)|[^a\\-]+") == "none");

  std::vector<Span> spans;  // exponential for an engine that backtracks
  const std::string text(50000, 'a');
  Pattern::regex("(a|aa)+(a|b)*c|a", "file").find(text.substr(0, 200) + "!", spans);
  CHECK(spans.size() == 201);
  // The class \s is Unicode's.
  CHECK(Pattern::regex(R"(\s)", "f").replace("a\u00A0b\u3000c d", "_") == "a_b_c_d");
}

TEST_CASE("damaged character maps and SentencePiece models are refused, or harmless") {
  Json document = bert();
  document["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", "AAA"}};
  CHECK(tells(error(document), "character map"));
  document["normalizer"]["precompiled_charsmap"] = "/////wAA";
  CHECK(tells(error(document), "character map is damaged"));
  document["normalizer"]["precompiled_charsmap"] = "AAA!";
  CHECK(tells(error(document), "base64"));
  document["normalizer"]["precompiled_charsmap"] = "BAAAAP////8A";  // one unit that points anywhere
  CHECK(load(document)->encode("a b").size() == 3);

  const std::string model = testing::read_file(testing::golden("tokenizers/unigram.model"));
  for (size_t cut = 0; cut < model.size(); cut += 37) {
    TokenizerFiles files("folder");
    files.add("spiece.model", model.substr(0, cut));
    try {
      Tokenizer(std::move(files)).encode("hello");
    } catch (const engine::Error&) {
    }
  }
  for (size_t at = 0; at < model.size(); at += 3) {
    std::string changed = model;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    TokenizerFiles files("folder");
    files.add("tokenizer.model", changed);
    try {
      Tokenizer(std::move(files)).encode("hello world");
    } catch (const engine::Error&) {
    }
  }
}

TEST_CASE("a tokenizer hands on the files that it was given, byte for byte") {
  testing::TempDir folder, saved;
  const std::string document = bert().dump(3) + "\n\n";
  testing::write_file(folder / "tokenizer.json", document);
  testing::write_file(folder / "special_tokens_map.json", "{ \"mask_token\":\"c\" }");
  testing::write_file(folder / "chat_template.jinja", "{{ messages }}");
  testing::write_file(folder / "README.md", "not a tokenizer's");
  load_tokenizer(folder.path())->save(saved.path());
  CHECK(testing::read_file(saved / "tokenizer.json") == document);
  CHECK(testing::read_file(saved / "special_tokens_map.json") == "{ \"mask_token\":\"c\" }");
  CHECK(testing::read_file(saved / "chat_template.jinja") == "{{ messages }}");
  CHECK_FALSE(std::filesystem::exists(saved / "README.md"));
  CHECK_FALSE(std::filesystem::exists(saved / "vocab.txt"));
}
