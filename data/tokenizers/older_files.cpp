#include "data/tokenizers/older_files.h"

#include <algorithm>

#include "data/tokenizers/special_tokens.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;

constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

std::string named(const TokenizerFiles& files, const char* role, const char* otherwise) {
  const std::string name = special_name(files, role);
  return name.empty() ? otherwise : name;
}

Json byte_level(bool add_prefix_space, bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json read_merges(const TokenizerFiles& files) {
  const std::string& text = files.bytes("merges.txt");
  Json merges = Json::array();
  for (size_t begin = 0, number = 1; begin < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line(text.data() + begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin = end + 1;
    if (line.empty() || line.starts_with("#version")) continue;
    const size_t space = line.find(' ');
    engine::check(space != std::string_view::npos && space > 0 && space + 1 < line.size() &&
                      line.find(' ', space + 1) == std::string_view::npos,
                  files.where("merges.txt"), "merge ", number, " is '", line,
                  "', expected two tokens with a space between them");
    merges.push_back({line.substr(0, space), line.substr(space + 1)});
  }
  return merges;
}

int32_t needed(const Json& vocab, const std::string& token, const TokenizerFiles& files) {
  const auto found = vocab.find(token);
  engine::check(found != vocab.end(), files.where(), "the vocabulary of ", vocab.size(),
                " tokens has no ", token,
                engine::hint("tokenizer_config.json may name other special tokens"));
  return read_id(*found, token, largest_id(vocab.size()), files.where());
}

}  // namespace

Json bert_document(const TokenizerFiles& files) {
  const std::string& text = files.bytes("vocab.txt");
  Json vocab = Json::object();
  int32_t id = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line(text.data() + begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    vocab[std::string(line)] = id++;  // a token that is there twice has its last id, as in Python
    begin = end + 1;
  }
  engine::check(!vocab.empty(), files.where("vocab.txt"), "is empty",
                engine::hint("a vocab.txt has a token a line"));
  const std::string unk = named(files, "unk_token", "[UNK]"),
                    cls = named(files, "cls_token", "[CLS]"),
                    sep = named(files, "sep_token", "[SEP]");
  return {{"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor",
           {{"type", "BertProcessing"},
            {"sep", {sep, needed(vocab, sep, files)}},
            {"cls", {cls, needed(vocab, cls, files)}}}},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", unk},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", std::move(vocab)}}}};
}

Json bpe_document(const TokenizerFiles& files, const std::string& kind) {
  Json vocab = files.json("vocab.json");
  Json document = {{"pre_tokenizer", byte_level(false, true)}, {"decoder", byte_level(true, true)}};
  if (kind == "Qwen2") {
    document["normalizer"] = {{"type", "NFC"}};
    document["pre_tokenizer"] = {{"type", "Sequence"},
                                 {"pretokenizers", Json::array({{{"type", "Split"},
                                                                 {"pattern", {{"Regex", kQwen2}}},
                                                                 {"behavior", "Isolated"},
                                                                 {"invert", false}},
                                                                byte_level(false, false)})}};
  }
  if (kind == "Roberta") {
    const std::string cls = named(files, "cls_token", "<s>"),
                      sep = named(files, "sep_token", "</s>"),
                      mask = named(files, "mask_token", "<mask>");
    document["post_processor"] = {{"type", "RobertaProcessing"},
                                  {"sep", {sep, needed(vocab, sep, files)}},
                                  {"cls", {cls, needed(vocab, cls, files)}},
                                  {"trim_offsets", true},
                                  {"add_prefix_space", false}};
    if (vocab.contains(mask))  // takes the space before it with it, if no file says otherwise
      document["added_tokens"] = Json::array({{{"id", needed(vocab, mask, files)},
                                               {"content", mask},
                                               {"single_word", false},
                                               {"lstrip", true},
                                               {"rstrip", false},
                                               {"normalized", false},
                                               {"special", true}}});
  }
  document["model"] = {
      {"type", "BPE"}, {"vocab", std::move(vocab)}, {"merges", read_merges(files)}};
  return document;
}

}  // namespace data
