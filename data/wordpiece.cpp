#include "data/wordpiece.h"

#include <algorithm>

#include "data/unicode.h"
#include "data/wordpiece_files.h"
#include "engine/base/error.h"

namespace data {
namespace {

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

int count_code_points(std::string_view text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

}  // namespace

WordPieceTokenizer::WordPieceTokenizer(Vocabulary vocabulary, const std::vector<AddedToken>& added,
                                       SpecialIds special, SpecialTemplate special_template,
                                       WordPieceOptions options, int model_max_length)
    : options_(std::move(options)) {
  vocabulary_ = std::move(vocabulary);
  special_ = special;
  template_ = std::move(special_template);
  model_max_length_ = model_max_length;
  engine::check(
      special_.unk.has_value(), "wordpiece", "the vocabulary of ", vocabulary_.size(),
      " tokens has no token for unknown words",
      engine::hint(
          "vocab.txt usually has [UNK]; tokenizer_config.json may name another as unk_token"));
  for (const AddedToken& token : added) {
    if (token.special) special_list_.push_back(token.id);
    if (!token.normalized) {
      added_.add(token);
      continue;
    }
    AddedToken normal = token;
    normal.content.clear();
    bert_normalize(token.content, options_.normalizer, normal.content);
    normalized_.add(std::move(normal));
  }
  for (int32_t id = 0; id < vocabulary_.size(); ++id) {
    const std::string_view token = vocabulary_.token(id);
    if (token.empty()) continue;
    first_[token] = id;
    longest_first_ = std::max(longest_first_, token.size());
    if (token.starts_with(options_.continuation) && token.size() > options_.continuation.size()) {
      const auto rest = token.substr(options_.continuation.size());
      next_[rest] = id;
      longest_next_ = std::max(longest_next_, rest.size());
    }
  }
}

std::unique_ptr<WordPieceTokenizer> WordPieceTokenizer::bert(Vocabulary vocabulary,
                                                             WordPieceOptions options) {
  SpecialIds special;
  std::vector<AddedToken> added;
  const auto find = [&](const char* name) {
    const auto id = vocabulary.id(name);
    if (id) added.push_back({.content = name, .id = *id, .special = true});
    return id;
  };
  special.pad = find("[PAD]");
  special.unk = find("[UNK]");
  special.cls = find("[CLS]");
  special.sep = find("[SEP]");
  special.mask = find("[MASK]");
  engine::check(special.cls && special.sep, "wordpiece", "the vocabulary has no [CLS] or no [SEP]");
  auto parts = SpecialTemplate::bert(*special.cls, *special.sep);
  return std::make_unique<WordPieceTokenizer>(std::move(vocabulary), added, special,
                                              std::move(parts), std::move(options));
}

void WordPieceTokenizer::tokenize_plain(std::string_view text, std::vector<int32_t>& ids) const {
  std::string normal;
  bert_normalize(text, options_.normalizer, normal);
  std::vector<WordRange> words;
  normalized_.split(normal, ids, [&](std::string_view stretch) {
    words.clear();
    bert_split(stretch, words);
    for (const WordRange& word : words)
      append_word(stretch.substr(word.begin, word.end - word.begin), ids);
  });
}

// Greedy: the longest piece that the word begins with, then the longest "##" piece of the rest, and
// so on. If a rest has no piece, the whole word is unknown.
void WordPieceTokenizer::append_word(std::string_view word, std::vector<int32_t>& ids) const {
  const auto most = static_cast<size_t>(options_.max_characters_per_word);
  if (word.size() > most && count_code_points(word) > options_.max_characters_per_word) {
    ids.push_back(*special_.unk);
    return;
  }
  const size_t before = ids.size();
  for (size_t begin = 0; begin < word.size();) {
    const PieceMap& pieces = begin == 0 ? first_ : next_;
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
      ids.push_back(*special_.unk);
      return;
    }
    ids.push_back(found->second);
    begin += length;
  }
}

std::string WordPieceTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string text;
  for (const int32_t id : ids) {
    if (skip_special && is_special(id)) continue;
    std::string_view piece = token(id);
    if (!text.empty() && piece.starts_with(options_.continuation) &&
        piece.size() > options_.continuation.size()) {
      piece.remove_prefix(options_.continuation.size());
    } else if (!text.empty()) {
      text += ' ';
    }
    text += piece;
  }
  return text;
}

nlohmann::ordered_json WordPieceTokenizer::settings() const {
  return {{"type", "wordpiece"},
          {"lowercase", options_.normalizer.lowercase},
          {"strip_accents", options_.normalizer.strip_accents},
          {"handle_chinese_chars", options_.normalizer.handle_chinese_chars}};
}

void WordPieceTokenizer::save(const std::filesystem::path& folder) const {
  write_wordpiece(folder, *this);
}

}  // namespace data
