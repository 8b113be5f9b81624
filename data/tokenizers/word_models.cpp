// WordPiece: the longest token that a word begins with, then the longest "##" token of the rest,
// and so on; a word without such a cut is unknown. WordLevel: a word is a token, or unknown.
#include <algorithm>
#include <unordered_map>

#include "data/tokenizers/model.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

int64_t count_code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); });
}

int32_t unknown_id(const Json& json, const char* otherwise, const std::string& where,
                   const Vocabulary& vocabulary) {
  std::string token = otherwise;
  if (const auto said = json.find("unk_token"); said != json.end()) {
    engine::check(said->is_string(), where, "the model's \"unk_token\" should be text");
    token = said->get<std::string>();
  }
  const auto id = vocabulary.id(token);
  engine::check(id.has_value(), where, "the vocabulary of ", vocabulary.size(),
                " tokens has no token for unknown words: '", token, "' is not there",
                engine::hint("vocab.txt usually has [UNK]; tokenizer_config.json may name another "
                             "as unk_token"));
  return *id;
}

class WordPiece final : public TokenModel {
 public:
  WordPiece(const Json& json, const std::string& where, const Vocabulary& vocabulary)
      : vocabulary_(vocabulary), unk_(unknown_id(json, "[UNK]", where, vocabulary)) {
    std::string prefix = "##";
    if (const auto said = json.find("continuing_subword_prefix"); said != json.end()) {
      engine::check(said->is_string(), where,
                    "the model's \"continuing_subword_prefix\" should be text");
      prefix = said->get<std::string>();
    }
    if (const auto said = json.find("max_input_chars_per_word"); said != json.end()) {
      engine::check(said->is_number_integer() && *said >= 0, where,
                    "the model's \"max_input_chars_per_word\" should be a whole number");
      longest_word_ = said->get<int64_t>();
    }
    for (int32_t id = 0; id < vocabulary_.size(); ++id) {
      const std::string_view token = vocabulary_.token(id);
      if (token.empty() || vocabulary_.id(token) != id) continue;
      first_[token] = id;
      longest_first_ = std::max(longest_first_, token.size());
      if (!token.starts_with(prefix) || token.size() == prefix.size()) continue;
      const auto rest = token.substr(prefix.size());
      next_[rest] = id;
      longest_next_ = std::max(longest_next_, rest.size());
    }
  }

  const char* kind() const override { return "wordpiece"; }

  void append(std::string_view word, bool, std::vector<int32_t>& ids) const override {
    if (static_cast<int64_t>(word.size()) > longest_word_ &&
        count_code_points(word) > longest_word_)
      return ids.push_back(unk_);
    const size_t before = ids.size();
    for (size_t begin = 0; begin < word.size();) {
      const Pieces& pieces = begin == 0 ? first_ : next_;
      size_t length = std::min(word.size() - begin, begin == 0 ? longest_first_ : longest_next_);
      auto found = pieces.end();
      for (; length > 0; --length) {
        if (begin + length < word.size() && continues(word[begin + length]))
          continue;  // not inside a code point
        found = pieces.find(word.substr(begin, length));
        if (found != pieces.end()) break;
      }
      if (length == 0) {
        ids.resize(before);
        return ids.push_back(unk_);
      }
      ids.push_back(found->second);
      begin += length;
    }
  }

 private:
  using Pieces = std::unordered_map<std::string_view, int32_t>;
  Vocabulary vocabulary_;
  Pieces first_;  // tokens that begin a word; views into vocabulary_, which never changes
  Pieces next_;   // tokens that continue one, without the prefix
  size_t longest_first_ = 0, longest_next_ = 0;  // bytes
  int64_t longest_word_ = 100;                   // code points
  int32_t unk_;
};

class WordLevel final : public TokenModel {
 public:
  WordLevel(const Json& json, const std::string& where, const Vocabulary& vocabulary)
      : vocabulary_(vocabulary), unk_(unknown_id(json, "<unk>", where, vocabulary)) {}

  const char* kind() const override { return "wordlevel"; }
  void append(std::string_view word, bool, std::vector<int32_t>& ids) const override {
    ids.push_back(vocabulary_.id(word).value_or(unk_));
  }

 private:
  Vocabulary vocabulary_;
  int32_t unk_;
};

}  // namespace

std::unique_ptr<TokenModel> make_wordpiece(const Json& json, const std::string& where,
                                           const Vocabulary& vocabulary) {
  return std::make_unique<WordPiece>(json, where, vocabulary);
}

std::unique_ptr<TokenModel> make_wordlevel(const Json& json, const std::string& where,
                                           const Vocabulary& vocabulary) {
  return std::make_unique<WordLevel>(json, where, vocabulary);
}

}  // namespace data
