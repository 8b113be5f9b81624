#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "data/bpe_trainer.h"
#include "data/gpt2_split.h"
#include "data/tokenizer.h"
#include "engine/base/error.h"
#include "tests/support/paths.h"

using namespace data;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> result;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = gpt2_word_end(text, begin);
    result.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return result;
}

// vocab.json and merges.txt as RoBERTa or GPT-2 has them.
std::unique_ptr<Tokenizer> tiny(const testing::TempDir& folder, bool roberta, bool prefix_space) {
  for (const char* name : {"vocab.json", "merges.txt"})
    std::filesystem::copy(testing::golden("tiny_bpe") / name, folder / name,
                          std::filesystem::copy_options::overwrite_existing);
  testing::write_file(folder / "tokenizer_config.json",
                      Json{{"tokenizer_class", roberta ? "RobertaTokenizer" : "GPT2Tokenizer"},
                           {"add_prefix_space", prefix_space}}
                          .dump());
  return load_tokenizer(folder.path());
}

}  // namespace

TEST_CASE("hard texts equal the Rust library's, as GPT-2 and as RoBERTa") {
  const Json golden = Json::parse(testing::read_file(testing::golden("bpe.json")));
  const auto texts = golden.at("texts").get<std::vector<std::string>>();
  for (const Json& c : golden.at("cases")) {
    testing::TempDir folder;
    const auto tokenizer =
        tiny(folder, c.at("roberta").get<bool>(), c.at("add_prefix_space").get<bool>());
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
      if (c.at("roberta").get<bool>()) CHECK(got.types == Ids(got.ids.size(), 0));
    }
  }
}

TEST_CASE("GPT-2's pattern, alternative by alternative") {
  using W = std::vector<std::string>;
  CHECK(words("it's we'll I'D") ==
        W{"it", "'s", " we", "'ll", " I", "'", "D"});  // contractions are lower-case
  CHECK(words("abc123 45!?") == W{"abc", "123", " 45", "!?"});
  CHECK(words("a  b") == W{"a", " ", " b"});  // the last space goes with the word
  CHECK(words("a \n b") == W{"a", " \n", " b"});
  CHECK(words("a\nb") == W{"a", "\n", "b"});  // only a space joins the next word
  CHECK(words("a\n\nb") == W{"a", "\n", "\n", "b"});
  CHECK(words("a  ") == W{"a", "  "});
  CHECK(words(" 's") == W{" '", "s"});  // the space comes first, so this is no contraction
  CHECK(words("\u00A0x\u3000") == W{"\u00A0", "x", "\u3000"});
}

TEST_CASE("decoding gives the bytes back") {
  testing::TempDir folder;
  const auto t = tiny(folder, true, false);
  for (const std::string text : {"hello  the world\n", "\u5317\u4EAC \U0001F600 \u00E9", "a\tb"}) {
    CHECK(t->decode(t->encode(text).ids) == text);
    CHECK(t->decode(t->encode(text).ids, false) == "<s>" + text + "</s>");
  }
}

TEST_CASE("a long word without spaces does not take forever") {
  testing::TempDir folder;
  const auto t = tiny(folder, false, false);
  const std::string text(200000, 'a');
  CHECK(t->decode(t->encode(text).ids) == text);
}

TEST_CASE("a trained BPE tokenizer loads to the same, from either form") {
  WordCounter counter = gpt2_word_counter(false);
  for (int i = 0; i < 3; ++i) counter.add("hello the world, hello world");
  for (const bool roberta : {true, false}) {
    const auto t = train_bpe(counter.counts(),
                             {.vocab_size = 290, .roberta = roberta, .add_prefix_space = true});
    testing::TempDir saved;
    t->save(saved.path());
    for (const char* without : {"", "tokenizer.json", "merges.txt"}) {
      testing::TempDir copy;
      std::filesystem::copy(saved.path(), copy.path());
      if (*without) std::filesystem::remove(copy / without);
      const auto loaded = load_tokenizer(copy.path());
      CHECK(loaded->describe() == t->describe());
      CHECK(loaded->encode_pair("hello", "the  world <mask>").ids ==
            t->encode_pair("hello", "the  world <mask>").ids);
    }
  }
}

TEST_CASE("damaged BPE files say where") {
  testing::TempDir folder;
  testing::write_file(folder / "vocab.json", R"({"a": 0, "b": 1})");
  testing::write_file(folder / "merges.txt", "#version: 0.2\na b\n");
  CHECK_THROWS_WITH_AS(load_tokenizer(folder.path()), doctest::Contains("merge 1 ('a' with 'b')"),
                       engine::Error);
  testing::write_file(folder / "merges.txt", "a b c\n");
  CHECK_THROWS_WITH_AS(load_tokenizer(folder.path()), doctest::Contains("merge 1 is 'a b c'"),
                       engine::Error);
}

TEST_CASE("GPT-2's own files") {
  const auto shared = testing::shared_dir("tokenizers/gpt2");
  if (!shared) return;
  const auto t = load_tokenizer(*shared);
  CHECK(t->encode("Hello world, it's 2024!").ids ==
        Ids{15496, 995, 11, 340, 338, 48609, 0});  // OpenAI's published ids
  CHECK(t->special().eos == 50256);
  CHECK(t->encode("a<|endoftext|>").ids.back() == 50256);
  testing::TempDir two_files;
  for (const char* name : {"vocab.json", "merges.txt"})
    std::filesystem::copy(*shared / name, two_files / name);
  CHECK(load_tokenizer(two_files.path())->encode("Hello  world \u5317").ids ==
        t->encode("Hello  world \u5317").ids);
}
