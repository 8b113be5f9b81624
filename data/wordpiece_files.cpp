#include "data/wordpiece_files.h"

#include <algorithm>
#include <string>

#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;             // read: lookups by key are fast
using Ordered = nlohmann::ordered_json;  // written: in the order a person expects

void read_vocab_txt(const std::filesystem::path& file, Vocabulary& vocabulary) {
  const std::string text = read_text(file);
  int32_t id = 0;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line(text.data() + begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    vocabulary.add(line, id++);
    begin = end + 1;
  }
  engine::check(!vocabulary.empty(), file.string(), "is empty",
                engine::hint("a vocab.txt has a token a line"));
}

void require(const Json& part, const char* what, std::string_view type, const std::string& where) {
  const std::string found = part.is_null() ? "null" : part.value("type", "(none)");
  engine::check(found == type, where, what, " of type ", found,
                " does not belong to a BERT tokenizer, which has ", type);
}

bool flag(const TokenizerFiles& files, const char* in_config, const Json& normalizer,
          const char* in_normalizer, bool otherwise) {
  if (const auto said = files.flag(in_config)) return *said;
  const auto found = normalizer.find(in_normalizer);
  return found != normalizer.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

Ordered special_token(const std::string& content, int32_t id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

Ordered template_json(const Tokenizer& t, const std::vector<SpecialTemplate::Part>& parts) {
  Ordered list = Ordered::array();
  for (const auto& part : parts) {
    using Kind = SpecialTemplate::Part::Kind;
    if (part.kind == Kind::special) {
      list.push_back({{"SpecialToken", {{"id", t.token(part.id)}, {"type_id", part.type}}}});
    } else {
      list.push_back(
          {{"Sequence", {{"id", part.kind == Kind::text_a ? "A" : "B"}, {"type_id", part.type}}}});
    }
  }
  return list;
}

}  // namespace

std::unique_ptr<WordPieceTokenizer> read_wordpiece(const TokenizerFiles& files) {
  const std::string where = (files.folder / "tokenizer.json").string();
  Vocabulary vocabulary;
  WordPieceOptions options;
  Json normalizer = Json::object();
  if (!files.tokenizer.is_null()) {
    const Json& model = files.tokenizer.at("model");
    add_tokens(model.at("vocab"), where, vocabulary);
    options.continuation = model.value("continuing_subword_prefix", options.continuation);
    options.max_characters_per_word =
        model.value("max_input_chars_per_word", options.max_characters_per_word);
    normalizer = files.tokenizer.value("normalizer", Json());
    require(normalizer, "normalizer", "BertNormalizer", where);
    require(files.tokenizer.value("pre_tokenizer", Json()), "pre_tokenizer", "BertPreTokenizer",
            where);
  } else {
    read_vocab_txt(files.folder / "vocab.txt", vocabulary);
  }
  auto& n = options.normalizer;
  n.lowercase = flag(files, "do_lower_case", normalizer, "lowercase", true);
  n.strip_accents = flag(files, "strip_accents", normalizer, "strip_accents", n.lowercase);
  n.handle_chinese_chars =
      flag(files, "tokenize_chinese_chars", normalizer, "handle_chinese_chars", true);
  n.clean_text = flag(files, "clean_text", normalizer, "clean_text", true);

  std::vector<AddedToken> added = files.added_tokens();
  for (const AddedToken& token : added) vocabulary.add(token.content, token.id);
  const SpecialIds special = find_special(files,
                                          {.pad = "[PAD]",
                                           .unk = "[UNK]",
                                           .cls = "[CLS]",
                                           .sep = "[SEP]",
                                           .mask = "[MASK]",
                                           .bos = "",
                                           .eos = ""},
                                          vocabulary, added);
  SpecialTemplate parts;
  if (!files.tokenizer.is_null() && !files.tokenizer.value("post_processor", Json()).is_null()) {
    parts = SpecialTemplate::from_json(files.tokenizer["post_processor"]);
  } else {
    engine::check(
        special.cls && special.sep, files.folder.string(), "the vocabulary of ", vocabulary.size(),
        " tokens has no ", files.special("cls_token", "[CLS]"), " or no ",
        files.special("sep_token", "[SEP]"),
        engine::hint(
            "is this the vocab.txt of a BERT model? tokenizer_config.json may name other tokens"));
    parts = SpecialTemplate::bert(*special.cls, *special.sep);
  }
  return std::make_unique<WordPieceTokenizer>(std::move(vocabulary), added, special,
                                              std::move(parts), std::move(options),
                                              files.model_max_length());
}

void write_wordpiece(const std::filesystem::path& folder, const WordPieceTokenizer& t) {
  const auto& n = t.options().normalizer;
  std::string lines;
  Ordered vocab = Ordered::object();
  auto& entries = vocab.get_ref<Ordered::object_t&>();  // appended as to a vector: operator[] would
                                                        // search it each time
  for (int32_t id = 0; id < t.vocab_size(); ++id) {
    lines += t.token(id) + '\n';
    entries.emplace_back(t.token(id), id);
  }
  write_text(folder / "vocab.txt", lines);

  Ordered config, roles, added = Ordered::array(), named = Ordered::object();
  const auto role = [&](const char* name, std::optional<int32_t> id) {
    if (!id) return;
    roles[name] = t.token(*id);
    added.push_back(special_token(t.token(*id), *id));
    named[t.token(*id)] = {{"id", t.token(*id)}, {"ids", {*id}}, {"tokens", {t.token(*id)}}};
  };
  role("pad_token", t.special().pad);
  role("unk_token", t.special().unk);
  role("cls_token", t.special().cls);
  role("sep_token", t.special().sep);
  role("mask_token", t.special().mask);
  config = roles;
  config["do_lower_case"] = n.lowercase;
  config["strip_accents"] = n.strip_accents == n.lowercase ? Ordered() : Ordered(n.strip_accents);
  config["tokenize_chinese_chars"] = n.handle_chinese_chars;
  config["model_max_length"] = t.model_max_length() ? t.model_max_length() : 512;
  config["tokenizer_class"] = "BertTokenizer";
  write_text(folder / "tokenizer_config.json", config.dump(2) + "\n");
  write_text(folder / "special_tokens_map.json", roles.dump(2) + "\n");

  Ordered json;
  json["version"] = "1.0";
  json["truncation"] = nullptr;
  json["padding"] = nullptr;
  json["added_tokens"] = added;
  json["normalizer"] = {{"type", "BertNormalizer"},
                        {"clean_text", n.clean_text},
                        {"handle_chinese_chars", n.handle_chinese_chars},
                        {"strip_accents", config["strip_accents"]},
                        {"lowercase", n.lowercase}};
  json["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  json["post_processor"] = {{"type", "TemplateProcessing"},
                            {"single", template_json(t, t.special_template().single)},
                            {"pair", template_json(t, t.special_template().pair)},
                            {"special_tokens", named}};
  json["decoder"] = {
      {"type", "WordPiece"}, {"prefix", t.options().continuation}, {"cleanup", true}};
  json["model"] = {{"type", "WordPiece"},
                   {"unk_token", t.token(*t.special().unk)},
                   {"continuing_subword_prefix", t.options().continuation},
                   {"max_input_chars_per_word", t.options().max_characters_per_word},
                   {"vocab", vocab}};
  write_text(folder / "tokenizer.json", json.dump(1) + "\n");
}

}  // namespace data
