#include "data/tokenizers/model.h"

#include <cmath>

#include "data/tokenizer_files.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;

// The model's type; files of before 2020 do not say it.
std::string type_of(const Json& json, const std::string& where) {
  if (const auto type = json.find("type"); type != json.end()) {
    engine::check(type->is_string(), where, "the model's \"type\" should be text");
    return type->get<std::string>();
  }
  const auto vocab = json.find("vocab");
  return json.contains("merges")                             ? "BPE"
         : json.contains("max_input_chars_per_word")         ? "WordPiece"
         : vocab != json.end() && vocab->is_array()          ? "Unigram"
         : vocab != json.end() && json.contains("unk_token") ? "WordLevel"
                                                             : "(none)";
}

// Unigram's vocabulary is a list of [token, score]; the id is the place.
void add_scored_tokens(const Json& vocab, const std::string& where, Vocabulary& vocabulary) {
  engine::check(vocab.is_array() && !vocab.empty(), where,
                "has no vocabulary of the form [[\"token\", score], ...]");
  for (const Json& entry : vocab) {
    const bool right = entry.is_array() && entry.size() == 2 && entry[0].is_string() &&
                       entry[1].is_number() && std::isfinite(entry[1].get<double>());
    engine::check(right, where, "token ", vocabulary.size(), " is ", entry.dump().substr(0, 100),
                  ", expected [\"token\", score]");
    vocabulary.add(entry[0].get_ref<const std::string&>(), vocabulary.size());
  }
}

}  // namespace

std::unique_ptr<TokenModel> TokenModel::from_json(const Json& json, const std::string& where,
                                                  Vocabulary& vocabulary) {
  const std::string type = type_of(json, where);
  const auto vocab = json.find("vocab");
  engine::check(type == "BPE" || type == "Unigram" || type == "WordPiece" || type == "WordLevel",
                where, "holds a tokenizer of type ", type,
                engine::hint("known are BPE, Unigram, WordPiece and WordLevel"));
  engine::check(vocab != json.end(), where,
                "does not have the form of Hugging Face's: the model has "
                "no \"vocab\"");
  if (type == "Unigram") {
    add_scored_tokens(*vocab, where, vocabulary);
    return make_unigram(json, where, vocabulary);
  }
  add_tokens(*vocab, where, vocabulary);
  if (type == "BPE") return make_bpe(json, where, vocabulary);
  if (type == "WordPiece") return make_wordpiece(json, where, vocabulary);
  return make_wordlevel(json, where, vocabulary);
}

}  // namespace data
