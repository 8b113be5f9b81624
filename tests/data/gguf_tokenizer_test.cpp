// Tokenizers through what a GGUF file says of them: the same ids, and what is refused.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "data/tokenizers/gguf.h"
#include "data/tokenizers/sentencepiece.h"
#include "engine/base/error.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"
#include "tests/support/says.h"

using testing::says;
using namespace data;
using Json = nlohmann::json;

namespace {

std::vector<std::string> gguf_texts() {
  return Json::parse(testing::read_file(testing::golden("tokenizers/cases.json")))
      .at("texts")
      .get<std::vector<std::string>>();
}

std::unique_ptr<Tokenizer> of_files(const std::string& name,
                                    std::vector<std::pair<std::string, std::string>> files) {
  TokenizerFiles all(name);
  for (auto& [file, bytes] : files) all.add(file, std::move(bytes));
  return std::make_unique<Tokenizer>(std::move(all));
}

std::string kind_file(const std::string& name) {
  return testing::read_file(testing::golden("tokenizers/" + name));
}

void check_round_trip(const Tokenizer& tokenizer, int64_t vocab, const std::string& pre) {
  const GgufTokenizer said = gguf_of_tokenizer(tokenizer, vocab);
  CHECK(said.pre == pre);
  CHECK(said.tokens.size() == static_cast<size_t>(vocab > 0 ? vocab : tokenizer.vocab_size()));
  const Tokenizer back(files_of_gguf(said, "x.gguf"));
  CHECK(back.special().bos == tokenizer.special().bos);
  CHECK(back.special().eos == tokenizer.special().eos);
  for (const std::string& text : gguf_texts()) {
    CAPTURE(text);
    const auto ids = tokenizer.encode(text).ids;
    CHECK(back.encode(text).ids == ids);
    CHECK(back.decode(ids) == tokenizer.decode(ids));
    CHECK(back.encode_pair(text, "b").ids == tokenizer.encode_pair(text, "b").ids);
  }
}

std::string gguf_refusal(const GgufTokenizer& tokenizer) {
  return testing::message_of([&] { (void)files_of_gguf(tokenizer, "x.gguf"); });
}

}  // namespace

TEST_CASE("GGUF: byte-level tokenizers come back with the same ids") {
  const std::string begin = R"({"bos_token": "<|begin|>", "eos_token": "<|end|>"})";
  check_round_trip(*of_files("smollm", {{"tokenizer.json", kind_file("smollm.json")}}), 0,
                   "smollm");
  check_round_trip(*of_files("qwen2", {{"tokenizer.json", kind_file("qwen2.json")}}), 400, "qwen2");
  check_round_trip(*of_files("llama3", {{"tokenizer.json", kind_file("llama3.json")},
                                        {"tokenizer_config.json", begin}}),
                   0, "llama-bpe");
  const auto shipped = load_tokenizer(testing::source_dir() / "data/pretrained/peft-llama-4x128");
  check_round_trip(*shipped, 4096, "gpt-2");
}

TEST_CASE("GGUF: a SentencePiece model of LLaMA comes back with the same ids") {
  const auto tokenizer = of_files(
      "llama",
      {{"tokenizer.model", kind_file("bpe.model")},
       {"tokenizer_config.json",
        R"({"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>"})"}});
  check_round_trip(*tokenizer, 0, "default");
  const GgufTokenizer said = gguf_of_tokenizer(*tokenizer, 0);
  CHECK(said.model == "llama");
  CHECK(said.scores.size() == said.tokens.size());
  CHECK(said.add_bos == true);
}

TEST_CASE("GGUF: types of tokens, and rows without one") {
  const auto tokenizer = of_files("qwen2", {{"tokenizer.json", kind_file("qwen2.json")}});
  const int32_t n = tokenizer->vocab_size();
  const GgufTokenizer said = gguf_of_tokenizer(*tokenizer, n + 2);
  CHECK(said.tokens.back() == "[PAD" + std::to_string(n + 1) + "]");
  CHECK(said.types.back() == GgufTokenizer::unused);
  CHECK(said.types[static_cast<size_t>(*tokenizer->id("<|endoftext|>"))] == GgufTokenizer::control);
  CHECK_THROWS_WITH((void)gguf_of_tokenizer(*tokenizer, 10),
                    doctest::Contains("tokens for a table of 10 rows"));
}

TEST_CASE("GGUF: tokenizers that a file cannot say are refused by name") {
  for (const char* name : {"gpt2_prefix", "wordpiece", "t5", "bpe_prefix", "cl100k"}) {
    CAPTURE(name);
    const auto tokenizer =
        of_files(name, {{"tokenizer.json", kind_file(std::string(name) + ".json")}});
    CHECK_THROWS_AS((void)gguf_of_tokenizer(*tokenizer, 0), engine::Error);
  }
}

TEST_CASE("GGUF: what a file says of a tokenizer is checked") {
  GgufTokenizer good;
  good.pre = "gpt-2";
  good.tokens = {"a", "b", "ab", "<|end|>"};
  good.types = {1, 1, 1, 3};
  good.merges = {"a b"};
  good.eos = 3;
  CHECK(gguf_refusal(good) == "");
  CHECK(Tokenizer(files_of_gguf(good, "x")).encode("ab<|end|>a").ids ==
        std::vector<int32_t>{2, 3, 0});
  const auto with = [&](auto change) {
    GgufTokenizer t = good;
    change(t);
    return gguf_refusal(t);
  };
  says(with([](auto& t) { t.model = "t5"; }), "a tokenizer of the kind 't5'");
  says(with([](auto& t) { t.pre = "tekken"; }), "as 'tekken' (tokenizer.ggml.pre)");
  says(with([](auto& t) { t.pre = "default"; }), "known are gpt-2, phi-2");
  says(with([](auto& t) { t.pre = ""; }), "which is not known here");
  says(with([](auto& t) { t.tokens.clear(); }), "has no tokenizer.ggml.tokens");
  says(with([](auto& t) { t.types.pop_back(); }), "has 4 tokens, and a type of 3");
  says(with([](auto& t) { t.tokens[1] = "\xff"; }), "token 1 is no UTF-8");
  says(with([](auto& t) { t.tokens[1] = "a"; }), "the token 'a' is there twice");
  says(with([](auto& t) { t.eos = 4; }), "tokenizer.ggml.eos_token_id is 4 of 4 tokens");
  says(with([](auto& t) { t.bos = -1; }), "tokenizer.ggml.bos_token_id is -1");
  says(with([](auto& t) { t.add_bos = true; }), "begins texts with a token, and does not say");
  for (const char* merge : {"ab", "a b c", " b", "a ", "a \xff"})
    says(with([&](auto& t) { t.merges = {merge}; }), "merge 0 is '");
  says(with([](auto& t) { t.chat_template = "\xff"; }), "chat_template is no UTF-8");
  GgufTokenizer scored;
  scored.model = "llama";
  scored.tokens = {"<unk>", "<s>", "</s>", "a", "b", "ab"};
  scored.types = {2, 3, 3, 1, 1, 1};
  scored.scores = {0, 0, 0, -1, -2, -3};
  CHECK(gguf_refusal(scored).find("begins texts") != std::string::npos);
  scored.bos = 1;
  CHECK(gguf_refusal(scored) == "");
  scored.scores[3] = std::numeric_limits<float>::quiet_NaN();
  says(gguf_refusal(scored), "token 3 has no finite score");
  scored.scores.pop_back();
  says(gguf_refusal(scored), "has 6 tokens, and a score of 5");
}

TEST_CASE("GGUF: a chat template and the longest text are taken along") {
  GgufTokenizer t;
  t.pre = "smollm";
  t.tokens = {"a", "<|end|>"};
  t.types = {1, 3};
  t.eos = t.pad = 1;
  t.chat_template = "{{ messages }}";
  t.model_max_length = 77;
  const Tokenizer tokenizer(files_of_gguf(t, "x.gguf"));
  CHECK(tokenizer.model_max_length() == 77);
  CHECK(tokenizer.special().pad == 1);
  const GgufTokenizer back = gguf_of_tokenizer(tokenizer, 2);
  CHECK(back.chat_template == t.chat_template);
  CHECK(back.tokens == t.tokens);
  CHECK(back.types == t.types);
  CHECK(back.eos == 1);
}
