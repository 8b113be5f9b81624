#include "data/tokenizers/trained.h"

#include <algorithm>

#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::ordered_json;  // written in the order that a person expects

Json vocab_object(const std::vector<std::string>& tokens) {
  Json vocab = Json::object();
  auto& entries = vocab.get_ref<Json::object_t&>();  // operator[] would search it each time
  for (const std::string& token : tokens) entries.emplace_back(token, entries.size());
  return vocab;
}

// The id of a special token, which may be absent unless it is `needed`.
int64_t place_of(const std::vector<std::string>& tokens, const std::string& token, bool needed) {
  const auto found = std::find(tokens.begin(), tokens.end(), token);
  engine::check(found != tokens.end() || !needed, "tokenizer", "the vocabulary of ", tokens.size(),
                " tokens has no ", token);
  return found == tokens.end() ? -1 : found - tokens.begin();
}

struct Role {
  const char* role;
  const char* token;
  bool needed;
};

// The special tokens that are there: by role, and as the list of added tokens.
struct Specials {
  Json roles = Json::object(), added = Json::array();
};
Specials specials(const std::vector<std::string>& tokens, const std::vector<Role>& roles) {
  Specials all;
  for (const Role& r : roles) {
    const int64_t id = place_of(tokens, r.token, r.needed);
    if (id < 0) continue;
    all.roles[r.role] = r.token;
    const auto same = [&](const Json& t) { return t["content"] == r.token; };
    if (std::any_of(all.added.begin(), all.added.end(), same)) continue;
    all.added.push_back({{"id", id},
                         {"content", r.token},
                         {"single_word", false},
                         {"lstrip", std::string(r.token) == "<mask>"},
                         {"rstrip", false},
                         {"normalized", false},
                         {"special", true}});
  }
  std::sort(all.added.begin(), all.added.end(),
            [](const Json& a, const Json& b) { return a["id"] < b["id"]; });
  return all;
}

Json document(const Json& added) {
  return {
      {"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", added}};
}

Json special_part(const char* token, int type) {
  return {{"SpecialToken", {{"id", token}, {"type_id", type}}}};
}
Json text_part(const char* text, int type) {
  return {{"Sequence", {{"id", text}, {"type_id", type}}}};
}

}  // namespace

TokenizerFiles wordpiece_files(const std::vector<std::string>& tokens,
                               const BertNormalizerOptions& n) {
  TokenizerFiles files("tokenizer");
  std::string lines;
  for (const std::string& token : tokens) lines += token + '\n';
  files.add("vocab.txt", std::move(lines));

  const Specials all = specials(tokens, {{"pad_token", "[PAD]", false},
                                         {"unk_token", "[UNK]", true},
                                         {"cls_token", "[CLS]", true},
                                         {"sep_token", "[SEP]", true},
                                         {"mask_token", "[MASK]", false}});
  Json config = all.roles;
  config["do_lower_case"] = n.lowercase;
  config["strip_accents"] = n.strip_accents == n.lowercase ? Json() : Json(n.strip_accents);
  config["tokenize_chinese_chars"] = n.handle_chinese_chars;
  config["model_max_length"] = 512;
  config["tokenizer_class"] = "BertTokenizer";
  files.add("tokenizer_config.json", config.dump(2) + "\n");
  files.add("special_tokens_map.json", all.roles.dump(2) + "\n");

  Json named = Json::object();
  for (const char* token : {"[CLS]", "[SEP]"})
    named[token] = {{"id", token},
                    {"ids", Json::array({place_of(tokens, token, true)})},
                    {"tokens", Json::array({token})}};
  Json json = document(all.added);
  json["normalizer"] = {{"type", "BertNormalizer"},
                        {"clean_text", n.clean_text},
                        {"handle_chinese_chars", n.handle_chinese_chars},
                        {"strip_accents", config["strip_accents"]},
                        {"lowercase", n.lowercase}};
  json["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  json["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single",
       Json::array({special_part("[CLS]", 0), text_part("A", 0), special_part("[SEP]", 0)})},
      {"pair", Json::array({special_part("[CLS]", 0), text_part("A", 0), special_part("[SEP]", 0),
                            text_part("B", 1), special_part("[SEP]", 1)})},
      {"special_tokens", named}};
  json["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  json["model"] = {{"type", "WordPiece"},
                   {"unk_token", "[UNK]"},
                   {"continuing_subword_prefix", "##"},
                   {"max_input_chars_per_word", 100},
                   {"vocab", vocab_object(tokens)}};
  files.add("tokenizer.json", json.dump(1) + "\n");
  return files;
}

TokenizerFiles bpe_files(const std::vector<std::string>& tokens, const std::vector<Merge>& merges,
                         bool roberta, bool add_prefix_space) {
  TokenizerFiles files("tokenizer");
  std::string lines = "#version: 0.2\n";
  Json pairs = Json::array();
  for (const auto& [a, b] : merges) {
    lines += a + ' ' + b + '\n';
    pairs.push_back(Json::array({a, b}));
  }
  const Json vocab = vocab_object(tokens);
  files.add("vocab.json", vocab.dump() + "\n");
  files.add("merges.txt", std::move(lines));

  const Specials all = roberta ? specials(tokens, {{"bos_token", "<s>", true},
                                                   {"eos_token", "</s>", true},
                                                   {"unk_token", "<unk>", false},
                                                   {"pad_token", "<pad>", false},
                                                   {"cls_token", "<s>", true},
                                                   {"sep_token", "</s>", true},
                                                   {"mask_token", "<mask>", false}})
                               : specials(tokens, {{"bos_token", "<|endoftext|>", true},
                                                   {"eos_token", "<|endoftext|>", true},
                                                   {"unk_token", "<|endoftext|>", true}});
  Json config = all.roles;
  config["add_prefix_space"] = add_prefix_space;
  config["tokenizer_class"] = roberta ? "RobertaTokenizer" : "GPT2Tokenizer";
  files.add("tokenizer_config.json", config.dump(2) + "\n");
  files.add("special_tokens_map.json", all.roles.dump(2) + "\n");

  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", add_prefix_space},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  Json json = document(all.added);
  json["normalizer"] = nullptr;
  json["pre_tokenizer"] = byte_level;
  json["post_processor"] = byte_level;
  if (roberta)
    json["post_processor"] = {{"type", "RobertaProcessing"},
                              {"sep", Json::array({"</s>", place_of(tokens, "</s>", true)})},
                              {"cls", Json::array({"<s>", place_of(tokens, "<s>", true)})},
                              {"trim_offsets", true},
                              {"add_prefix_space", add_prefix_space}};
  json["decoder"] = byte_level;
  json["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", false},
                   {"byte_fallback", false},
                   {"ignore_merges", false},
                   {"vocab", vocab},
                   {"merges", pairs}};
  files.add("tokenizer.json", json.dump(1) + "\n");
  return files;
}

}  // namespace data
