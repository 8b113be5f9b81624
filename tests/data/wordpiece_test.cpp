#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "data/tokenizer.h"
#include "data/wordpiece_trainer.h"
#include "engine/base/error.h"
#include "tests/support/paths.h"

using namespace data;
using Json = nlohmann::json;

namespace {

using Ids = std::vector<int32_t>;

std::unique_ptr<Tokenizer> tiny(std::initializer_list<const char*> words,
                                const BertNormalizerOptions& options = {}) {
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  tokens.insert(tokens.end(), words.begin(), words.end());
  return trained_wordpiece(tokens, options);
}

std::string joined(const Tokenizer& tokenizer, std::string_view text) {
  Ids ids;
  tokenizer.tokenize(text, ids);
  std::string all;
  for (const auto& piece : tokenizer.pieces(ids)) all += (all.empty() ? "" : " ") + piece;
  return all;
}

}  // namespace

TEST_CASE("hard texts equal the Rust library's, under five settings") {
  const Json golden = Json::parse(testing::read_file(testing::golden("wordpiece.json")));
  const auto texts = golden.at("texts").get<std::vector<std::string>>();
  for (const Json& c : golden.at("cases")) {
    testing::TempDir folder;  // vocab.txt and tokenizer_config.json alone make a tokenizer
    std::filesystem::copy(testing::golden("tiny_vocab/vocab.txt"), folder / "vocab.txt");
    const Json& n = c.at("normalizer");
    testing::write_file(folder / "tokenizer_config.json",
                        Json{{"do_lower_case", n.at("lowercase")},
                             {"strip_accents", n.at("strip_accents")},
                             {"tokenize_chinese_chars", n.at("handle_chinese_chars")}}
                            .dump());
    const auto tokenizer = load_tokenizer(folder.path());
    CAPTURE(c.at("name").get<std::string>());
    for (size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(texts[i]);
      CHECK(tokenizer->encode(texts[i]).ids == c.at("ids")[i].get<Ids>());
    }
    for (size_t i = 0; i < golden.at("pairs").size(); ++i) {
      const Json& pair = golden.at("pairs")[i];
      const Encoding got =
          tokenizer->encode_pair(pair[0].get<std::string>(), pair[1].get<std::string>());
      CHECK(got.ids == c.at("pair_ids")[i].get<Ids>());
      CHECK(got.types == c.at("pair_types")[i].get<Ids>());
    }
  }
}

TEST_CASE("the longest piece first, and no piece for a rest makes the word unknown") {
  const auto t = tiny({"un", "##aff", "##able", "##a", "unaff"});
  CHECK(joined(*t, "unaffable") == "unaff ##able");
  CHECK(joined(*t, "unaffablex") == "[UNK]");
  CHECK(joined(*t, "a") == "[UNK]");  // "##a" does not begin a word
}

// What differs from the Rust library on purpose, and from its Python twin (data/bert_normalizer.h).
TEST_CASE("CJK extension E is spaced from its first character on") {
  const auto t = tiny({"a", "b", "\U0002B820"});
  CHECK(joined(*t, "a\U0002B820b") ==
        "a \U0002B820 b");  // Rust: one unknown word, its range begins at U+2B920
}

TEST_CASE("marks that Unicode knows since version 9 are accents") {
  CHECK(joined(*tiny({"a"}), "a\u08D4") == "a");  // Unicode 9; Rust's tables end with version 8
}

TEST_CASE("bytes that are not UTF-8 are dropped like U+FFFD") {
  CHECK(joined(*tiny({"ab"}),
               "a\xFF"
               "b \xC3") == "ab");
}

TEST_CASE("max_length counts special tokens and cuts the end") {
  const auto t = tiny({"a", "b", "c", "d", "e"});
  const auto ids = [&](const char* token) { return *t->id(token); };
  const Encoding cut = t->encode("a b c d", 4);
  CHECK(cut.ids == Ids{ids("[CLS]"), ids("a"), ids("b"), ids("[SEP]")});
  CHECK(cut.removed == 2);
  CHECK(t->encode("a b", 4).removed == 0);
  CHECK(t->encode("a b c d").size() == 6);
  CHECK_THROWS_AS(t->encode("a", 2), engine::Error);
  CHECK_THROWS_WITH_AS(
      t->encode_pair("a", "b", 4),
      "tokenizer: a maximum length of 4 has no room for 3 special tokens and 2 text tokens\n"
      "hint: raise max_length, or use 0 for no limit",
      engine::Error);
}

TEST_CASE("longest_first takes from the longer text, from B if they are equal") {
  const auto t = tiny({"a", "b"});
  const auto lengths = [&](const char* a, const char* b, int max_length) {
    const Encoding e = t->encode_pair(a, b, max_length);
    CHECK(e.size() <= static_cast<size_t>(max_length));
    const auto count = [&](const char* token) {
      return std::count(e.ids.begin(), e.ids.end(), *t->id(token));
    };
    return std::pair(count("a"), count("b"));
  };
  CHECK(lengths("a a a a a", "b b", 7) == std::pair<long, long>(2, 2));
  CHECK(lengths("a a", "b b b b b", 7) == std::pair<long, long>(2, 2));
  CHECK(lengths("a a a", "b b b", 8) == std::pair<long, long>(3, 2));        // tie: B gives
  CHECK(lengths("a a a a a", "b b b b", 8) == std::pair<long, long>(3, 2));  // Rust: 3, 2 as well
  CHECK(lengths("a a a a", "b b b b b", 8) == std::pair<long, long>(3, 2));  // Rust leaves 2, 3
}

TEST_CASE("special and added tokens in the text") {
  const auto t = tiny({"foo", "bar", "##bar"});
  CHECK(joined(*t, "foo[MASK]bar") == "foo [MASK] bar");
  CHECK(joined(*t, "[MASK") == "[UNK] [UNK]");

  testing::TempDir folder;
  testing::write_file(folder / "vocab.txt", "[UNK]\n[CLS]\n[SEP]\nfoo\n");
  testing::write_file(folder / "tokenizer_config.json", R"({"added_tokens_decoder": {
      "4": {"content": "<One>", "single_word": true, "normalized": false},
      "5": {"content": "NewWord", "normalized": true},
      "6": {"content": "ab", "normalized": false},
      "7": {"content": "abc", "normalized": false}}})");
  const auto w = load_tokenizer(folder.path());
  CHECK(joined(*w, "foo <One>") == "foo <One>");
  CHECK(joined(*w, "foo<One>") == "foo [UNK] [UNK] [UNK]");  // not a word of its own
  CHECK(joined(*w, "a newword NEWWORD") == "[UNK] NewWord NewWord");
  CHECK(joined(*w, "abcab") == "abc ab");  // the longest of those that begin there
}

TEST_CASE("a saved tokenizer loads to the same, from either file alone") {
  const auto t =
      tiny({"Caf\u00E9", "caf", "##e", "x"}, {.lowercase = false, .strip_accents = false});
  testing::TempDir folder;
  t->save(folder.path());
  for (const char* without : {"", "vocab.txt", "tokenizer.json"}) {
    testing::TempDir copy;
    std::filesystem::copy(folder.path(), copy.path());
    if (*without) std::filesystem::remove(copy / without);
    const auto loaded = load_tokenizer(copy.path());
    CHECK(loaded->describe() == t->describe());
    CHECK(loaded->encode_pair("Caf\u00E9", "caf\u00E9 x[MASK]").ids ==
          t->encode_pair("Caf\u00E9", "caf\u00E9 x[MASK]").ids);
    CHECK(loaded->special().mask == 4);
  }
}

TEST_CASE("a tokenizer folder that cannot be used says why") {
  testing::TempDir folder;
  CHECK_THROWS_AS(load_tokenizer(folder / "none"), engine::Error);
  CHECK_THROWS_AS(load_tokenizer(folder.path()), engine::Error);
  testing::write_file(folder / "vocab.txt", "a\nb\n");
  CHECK_THROWS_AS(load_tokenizer(folder.path()), engine::Error);  // no [CLS]
  testing::write_file(folder / "tokenizer.json", R"({"model": {"type": "Bigram"}})");
  CHECK_THROWS_WITH_AS(load_tokenizer(folder.path()), doctest::Contains("type Bigram"),
                       engine::Error);
  testing::write_file(folder / "tokenizer.json", "{");
  CHECK_THROWS_WITH_AS(load_tokenizer(folder.path()), doctest::Contains("not valid JSON"),
                       engine::Error);
  testing::write_file(folder / "tokenizer.json", R"({"model": {"type": "WordPiece"}})");
  CHECK_THROWS_WITH_AS(load_tokenizer(folder.path()), doctest::Contains("does not have the form"),
                       engine::Error);
}

TEST_CASE("BERT's own files: vocab.txt and tokenizer.json give the same") {
  const auto shared = testing::shared_dir("tokenizers/bert-base-uncased");
  if (!shared) return;
  const auto both = load_tokenizer(*shared);
  testing::TempDir only;
  std::filesystem::copy(*shared / "vocab.txt", only / "vocab.txt");
  const auto plain = load_tokenizer(only.path());
  const char* text = "Hello, W\u00F6rld! It's [MASK]ing \u5317\u4EAC unaffable";
  CHECK(both->encode(text).ids == plain->encode(text).ids);
  CHECK(both->encode("hello world").ids == Ids{101, 7592, 2088, 102});
  CHECK(both->vocab_size() == 30522);
  CHECK(both->model_max_length() == 512);
  CHECK(both->decode(both->encode("unaffable words").ids) == "unaffable words");
}
