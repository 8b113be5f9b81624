#include "data/tokenizers/gguf.h"

#include <cmath>
#include <set>

#include "data/tokenizers/sentencepiece.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;
using engine::check;
using engine::hint;

void check_lists(const GgufTokenizer& t, const std::string& where) {
  check(!t.tokens.empty(), where, "has no tokenizer.ggml.tokens",
        hint("give the folder of the model's tokenizer with --tokenizer"));
  check(t.types.empty() || t.types.size() == t.tokens.size(), where, "has ", t.tokens.size(),
        " tokens, and a type of ", t.types.size());
  for (size_t id = 0; id < t.tokens.size(); ++id)
    check(is_utf8(t.tokens[id]), where, "token ", id, " is no UTF-8");
  for (const auto& [name, id] :
       {std::pair{"bos", &t.bos}, {"eos", &t.eos}, {"unknown", &t.unk}, {"padding", &t.pad}})
    check(!*id || (**id >= 0 && static_cast<size_t>(**id) < t.tokens.size()), where,
          "tokenizer.ggml.", name, "_token_id is ", id->value_or(0), " of ", t.tokens.size(),
          " tokens");
}

int type_of(const GgufTokenizer& t, size_t id) {
  return t.types.empty() ? GgufTokenizer::normal : t.types[id];
}

const std::string& token_of(const GgufTokenizer& t, const std::optional<int64_t>& id) {
  return t.tokens[static_cast<size_t>(*id)];
}

// <begin> A <end>, as far as they are asked for.
Json begin_end(const GgufTokenizer& t, bool begin, bool end) {
  Json single = Json::array(), pair = Json::array(), tokens = Json::object();
  const auto special = [&](const std::optional<int64_t>& id, int type) {
    const std::string& text = token_of(t, id);
    tokens[text] = {{"id", text}, {"ids", Json::array({*id})}, {"tokens", Json::array({text})}};
    return Json{{"SpecialToken", {{"id", text}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return Json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  if (begin) single.push_back(special(t.bos, 0));
  single.push_back(sequence("A", 0));
  if (end) single.push_back(special(t.eos, 0));
  pair = single;
  if (begin) pair.push_back(special(t.bos, 1));
  pair.push_back(sequence("B", 1));
  if (end) pair.push_back(special(t.eos, 1));
  return {{"type", "TemplateProcessing"},
          {"single", std::move(single)},
          {"pair", std::move(pair)},
          {"special_tokens", std::move(tokens)}};
}

Json byte_level_document(const GgufTokenizer& t, const GgufKind& kind, const std::string& where) {
  Json merges = Json::array();
  std::set<std::string> joined;
  for (size_t i = 0; i < t.merges.size(); ++i) {
    const std::string& merge = t.merges[i];
    const size_t space = merge.find(' ');
    check(is_utf8(merge) && space != std::string::npos && space > 0 && space + 1 < merge.size() &&
              merge.find(' ', space + 1) == std::string::npos,
          where, "merge ", i, " is '", to_utf8(merge.substr(0, 100)),
          "', expected two tokens with a space between them");
    joined.insert(merge.substr(0, space) + merge.substr(space + 1));
    merges.push_back({merge.substr(0, space), merge.substr(space + 1)});
  }
  Json vocab = Json::object(), added = Json::array();
  for (size_t id = 0; id < t.tokens.size(); ++id) {
    const std::string& token = t.tokens[id];
    const int type = type_of(t, id);
    const bool special = type == GgufTokenizer::control;
    if (special || type == GgufTokenizer::user_defined)
      added.push_back({{"id", id},
                       {"content", token},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", special}});
    const bool filling = type == GgufTokenizer::unused;  // rows of the table without a token
    if ((type == GgufTokenizer::normal || (!filling && joined.contains(token))) && !token.empty())
      check(vocab.emplace(token, id).second, where, "the token '", token.substr(0, 100),
            "' is there twice");
  }
  const Json bytes = {{"type", "ByteLevel"},
                      {"add_prefix_space", true},
                      {"trim_offsets", true},
                      {"use_regex", true}};
  return {{"normalizer", kind.normalizer},
          {"pre_tokenizer", kind.pre_tokenizer},
          {"post_processor", bytes},
          {"decoder", bytes},
          {"added_tokens", std::move(added)},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", kind.ignore_merges},
            {"vocab", std::move(vocab)},
            {"merges", std::move(merges)}}}};
}

Json scored_document(const GgufTokenizer& t, const std::string& where) {
  check(t.scores.size() == t.tokens.size(), where, "has ", t.tokens.size(),
        " tokens, and a score of ", t.scores.size());
  SentencePieceModel model;
  model.type = SentencePieceModel::bpe;
  for (size_t id = 0; id < t.tokens.size(); ++id) {
    check(std::isfinite(t.scores[id]), where, "token ", id, " has no finite score");
    model.pieces.push_back({t.tokens[id], t.scores[id], type_of(t, id)});
    model.byte_fallback |= type_of(t, id) == GgufTokenizer::byte;
  }
  const auto last = static_cast<int64_t>(t.tokens.size()) - 1;
  model.unk_id = t.unk.value_or(0);
  model.bos_id = t.bos.value_or(std::min<int64_t>(1, last));
  model.unk_piece = token_of(t, model.unk_id);
  return llama_document(
      model, {{"legacy", true}, {"add_prefix_space", t.add_space_prefix.value_or(true)}}, where);
}

}  // namespace

TokenizerFiles files_of_gguf(const GgufTokenizer& t, const std::string& where) {
  check_lists(t, where);
  const bool scored = t.model == "llama";
  check(scored || t.model == "gpt2", where, "has a tokenizer of the kind '",
        to_utf8(t.model.substr(0, 100)), "' (tokenizer.ggml.model), which is not known here",
        hint("known are gpt2 and llama; or give the folder of the model's own tokenizer with "
             "--tokenizer"));
  Json document;
  bool begin = t.add_bos.value_or(scored);
  if (scored) {
    document = scored_document(t, where);
    document.erase("post_processor");
  } else {
    const GgufKind kind = gguf_kind(t.pre, where);
    begin = t.add_bos.value_or(kind.add_bos);
    document = byte_level_document(t, kind, where);
  }
  const bool end = t.add_eos.value_or(false);
  check(!begin || t.bos, where, "begins texts with a token, and does not say which");
  check(!end || t.eos, where, "ends texts with a token, and does not say which");
  if (begin || end) document["post_processor"] = begin_end(t, begin, end);
  document["version"] = "1.0";

  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}};
  for (const auto& [role, id] : {std::pair{"bos_token", &t.bos},
                                 {"eos_token", &t.eos},
                                 {"unk_token", &t.unk},
                                 {"pad_token", &t.pad}})
    if (*id) config[role] = token_of(t, *id);
  if (t.model_max_length > 0) config["model_max_length"] = t.model_max_length;
  if (!t.chat_template.empty()) {
    check(is_utf8(t.chat_template), where, "tokenizer.chat_template is no UTF-8");
    config["chat_template"] = t.chat_template;
  }
  TokenizerFiles files(where);
  files.add("tokenizer.json", document.dump(1) + "\n");
  files.add("tokenizer_config.json", config.dump(2) + "\n");
  return files;
}

}  // namespace data
