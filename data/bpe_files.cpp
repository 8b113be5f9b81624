#include "data/bpe_files.h"

#include <algorithm>

#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;
using Ordered = nlohmann::ordered_json;
using Merges = std::vector<BpeTokenizer::Merge>;

BpeTokenizer::Merge read_merge(std::string_view line, const std::string& where, size_t number) {
  const size_t space = line.find(' ');
  engine::check(space != std::string_view::npos && space > 0 && space + 1 < line.size() &&
                    line.find(' ', space + 1) == std::string_view::npos,
                where, "merge ", number, " is '", line,
                "', expected two tokens with a space between them");
  return {std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
}

Merges read_merges_txt(const std::filesystem::path& file) {
  const std::string text = read_text(file);
  Merges merges;
  for (size_t begin = 0, number = 1; begin < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line(text.data() + begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin = end + 1;
    if (line.empty() || line.starts_with("#version")) continue;
    merges.push_back(read_merge(line, file.string(), number));
  }
  return merges;
}

// A merge is "a b", or since 2024 ["a", "b"].
Merges read_merges_json(const Json& list, const std::string& where) {
  Merges merges;
  merges.reserve(list.size());
  for (const Json& merge : list) {
    if (merge.is_string()) {
      merges.push_back(read_merge(merge.get_ref<const std::string&>(), where, merges.size() + 1));
    } else {
      merges.emplace_back(merge.at(0).get<std::string>(), merge.at(1).get<std::string>());
    }
  }
  return merges;
}

// The settings of tokenizer.json that change what tokens come out. All but the byte-level kind is
// refused, not guessed.
void check_byte_level(const Json& tokenizer, const std::string& where) {
  const Json& model = tokenizer.at("model");
  const Json pre = tokenizer.value("pre_tokenizer", Json());
  const std::string kind = pre.is_null() ? "null" : pre.value("type", "(none)");
  engine::check(
      kind == "ByteLevel" && pre.value("use_regex", true), where, "pre_tokenizer of type ", kind,
      " is not known for BPE",
      engine::hint("known is ByteLevel with GPT-2's pattern, as GPT-2 and RoBERTa have it"));
  engine::check(tokenizer.value("normalizer", Json()).is_null(), where,
                "a BPE tokenizer with a normalizer is not known");
  const auto set = [&](const char* name) {
    const auto found = model.find(name);
    return found != model.end() && !found->is_null() && *found != false && *found != "" &&
           *found != 0.0;
  };
  for (const char* name : {"dropout", "continuing_subword_prefix", "end_of_word_suffix",
                           "byte_fallback", "ignore_merges"})
    engine::check(!set(name), where, "the model's setting '", name,
                  "' is not known for byte-level BPE");
}

bool is_roberta(const TokenizerFiles& files, const Vocabulary& vocabulary) {
  const std::string type = files.config.value("tokenizer_class", "");
  if (!type.empty()) return type.starts_with("Roberta");
  return vocabulary.id("<s>") && vocabulary.id("</s>");
}

Ordered added_json(const AddedToken& t) {
  return {{"id", t.id},          {"content", t.content}, {"single_word", t.single_word},
          {"lstrip", t.lstrip},  {"rstrip", t.rstrip},   {"normalized", t.normalized},
          {"special", t.special}};
}

}  // namespace

std::unique_ptr<BpeTokenizer> read_bpe(const TokenizerFiles& files) {
  const bool one_file = !files.tokenizer.is_null();
  const std::string where = (files.folder / "tokenizer.json").string();
  Vocabulary vocabulary;
  Merges merges;
  BpeOptions options;
  if (one_file) {
    check_byte_level(files.tokenizer, where);
    add_tokens(files.tokenizer.at("model").at("vocab"), where, vocabulary);
    merges = read_merges_json(files.tokenizer.at("model").at("merges"), where);
    options.add_prefix_space = files.tokenizer.at("pre_tokenizer").value("add_prefix_space", false);
  } else {
    add_tokens(read_json(files.folder / "vocab.json"), (files.folder / "vocab.json").string(),
               vocabulary);
    merges = read_merges_txt(files.folder / "merges.txt");
  }
  if (const auto said = files.flag("add_prefix_space")) options.add_prefix_space = *said;

  std::vector<AddedToken> added = files.added_tokens();
  for (const AddedToken& token : added) vocabulary.add(token.content, token.id);
  const bool roberta = is_roberta(files, vocabulary);
  const std::string end = vocabulary.id("<|endoftext|>") ? "<|endoftext|>" : "";
  const SpecialNames names =
      roberta ? SpecialNames{"<pad>", "<unk>", "<s>", "</s>", "<mask>", "<s>", "</s>"}
              : SpecialNames{"", end, "", "", "", end, end};
  const size_t known = added.size();
  const SpecialIds special = find_special(files, names, vocabulary, added);
  for (size_t i = known; i < added.size(); ++i)  // Hugging Face's default where no file says it
    if (roberta && special.mask == added[i].id) added[i].lstrip = true;

  SpecialTemplate parts = SpecialTemplate::plain();
  if (one_file) {
    parts = SpecialTemplate::from_json(files.tokenizer.value("post_processor", Json()));
  } else if (roberta) {
    engine::check(special.cls && special.sep, files.folder.string(),
                  "the vocabulary has no <s> or no </s>");
    parts = SpecialTemplate::roberta(*special.cls, *special.sep);
  }
  return std::make_unique<BpeTokenizer>(std::move(vocabulary), merges, added, special,
                                        std::move(parts), options, files.model_max_length());
}

void write_bpe(const std::filesystem::path& folder, const BpeTokenizer& t) {
  Ordered vocab = Ordered::object();
  auto& entries = vocab.get_ref<Ordered::object_t&>();  // appended as to a vector: operator[] would
                                                        // search it each time
  for (int32_t id = 0; id < t.vocab_size(); ++id) entries.emplace_back(t.token(id), id);
  std::string lines = "#version: 0.2\n";
  Ordered merges = Ordered::array();
  for (const auto& [a, b] : t.merges()) {
    lines += a + ' ' + b + '\n';
    merges.push_back({a, b});
  }
  write_text(folder / "vocab.json", vocab.dump() + "\n");
  write_text(folder / "merges.txt", lines);

  Ordered roles = Ordered::object(), added = Ordered::array();
  for (const auto& [name, id] : {std::pair{"bos_token", t.special().bos},
                                 {"eos_token", t.special().eos},
                                 {"unk_token", t.special().unk},
                                 {"pad_token", t.special().pad},
                                 {"cls_token", t.special().cls},
                                 {"sep_token", t.special().sep},
                                 {"mask_token", t.special().mask}})
    if (id) roles[name] = t.token(*id);
  for (const AddedToken& token : t.added()) added.push_back(added_json(token));
  const bool roberta = t.special_template().single.size() > 1;
  Ordered config = roles;
  config["add_prefix_space"] = t.options().add_prefix_space;
  if (t.model_max_length()) config["model_max_length"] = t.model_max_length();
  config["tokenizer_class"] = roberta ? "RobertaTokenizer" : "GPT2Tokenizer";
  write_text(folder / "tokenizer_config.json", config.dump(2) + "\n");
  write_text(folder / "special_tokens_map.json", roles.dump(2) + "\n");

  Ordered json;
  json["version"] = "1.0";
  json["truncation"] = nullptr;
  json["padding"] = nullptr;
  json["added_tokens"] = added;
  json["normalizer"] = nullptr;
  const Ordered byte_level = {{"type", "ByteLevel"},
                              {"add_prefix_space", t.options().add_prefix_space},
                              {"trim_offsets", true},
                              {"use_regex", true}};
  json["pre_tokenizer"] = byte_level;
  json["post_processor"] = byte_level;
  if (roberta) {
    json["post_processor"] = {{"type", "RobertaProcessing"},
                              {"sep", {t.token(*t.special().sep), *t.special().sep}},
                              {"cls", {t.token(*t.special().cls), *t.special().cls}},
                              {"trim_offsets", true},
                              {"add_prefix_space", t.options().add_prefix_space}};
  }
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
                   {"merges", merges}};
  write_text(folder / "tokenizer.json", json.dump(1) + "\n");
}

}  // namespace data
