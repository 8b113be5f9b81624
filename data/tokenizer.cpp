#include "data/tokenizer.h"

#include <algorithm>

#include "data/tokenizers/decoder.h"
#include "data/tokenizers/document.h"
#include "data/tokenizers/model.h"
#include "data/tokenizers/normalizer.h"
#include "data/tokenizers/pre_tokenizer.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Kind = SpecialTemplate::Part::Kind;

void append(const std::vector<SpecialTemplate::Part>& parts, const std::vector<int32_t>& a,
            const std::vector<int32_t>& b, Encoding& out) {
  out.ids.reserve(parts.size() + a.size() + b.size());
  out.types.reserve(parts.size() + a.size() + b.size());
  for (const auto& part : parts) {
    if (part.kind == Kind::special) {
      out.ids.push_back(part.id);
    } else {
      const auto& text = part.kind == Kind::text_a ? a : b;
      out.ids.insert(out.ids.end(), text.begin(), text.end());
    }
    out.types.resize(out.ids.size(), part.type);
  }
}

// How many text tokens fit beside `specials`; -1 is no limit.
int room(int max_length, int specials, int texts) {
  if (max_length == 0) return -1;
  engine::check(max_length >= specials + texts, "tokenizer", "a maximum length of ", max_length,
                " has no room for ", specials, " special tokens and ", texts,
                texts == 1 ? " text token" : " text tokens",
                engine::hint("raise max_length, or use 0 for no limit"));
  return max_length - specials;
}

void cut(std::vector<int32_t>& ids, size_t most, Side side) {
  if (ids.size() <= most) return;
  if (side == Side::left)
    ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(most));
  else
    ids.resize(most);
}

}  // namespace

Tokenizer::Tokenizer(TokenizerFiles files) : files_(std::move(files)) {
  nlohmann::json document = tokenizer_document(files_);
  const std::string where = document_where(files_);
  model_ = TokenModel::from_json(document.at("model"), where, vocabulary_);
  normalizer_ = Normalizer::from_json(part(document, "normalizer"), where);
  pre_tokenizer_ = PreTokenizer::from_json(part(document, "pre_tokenizer"), where);
  decoder_ = TokenDecoder::from_json(part(document, "decoder"), where);
  SpecialTokens special =
      read_special_tokens(files_, document, usual_names(files_, document, vocabulary_),
                          !files_.has("tokenizer.json"), vocabulary_);
  special_ = special.ids;
  is_special_.resize(static_cast<size_t>(vocabulary_.size()));
  std::vector<AddedToken> plain, normalized;
  for (AddedToken& token : special.added) {
    if (token.special) is_special_[static_cast<size_t>(token.id)] = true;
    if (token.normalized) {
      if (normalizer_) {
        normalizer_->apply(token.content);
        normal_texts_[token.id] = token.content;
      }
      normalized.push_back(std::move(token));
    } else {
      plain.push_back(std::move(token));
    }
  }
  added_ = AddedTokens(std::move(plain));
  normalized_ = AddedTokens(std::move(normalized));
  template_ = read_template(files_, document, special_, vocabulary_);
  read_config(document);
  settings_ = document_settings(document, model_->kind());
}

Tokenizer::~Tokenizer() = default;

void Tokenizer::read_config(const nlohmann::json& document) {
  const nlohmann::json config = files_.json("tokenizer_config.json");
  const std::string where = files_.where("tokenizer_config.json");
  model_max_length_ = read_model_max_length(config, where);
  truncation_side_ = read_side(config, "truncation_side", part(document, "truncation"), where);
  padding_side_ = read_side(config, "padding_side", part(document, "padding"), where);
  // Hugging Face leaves it out for BPE, where it would take spaces that belong to the text.
  clean_up_ = config.value("clean_up_tokenization_spaces", nlohmann::json()) == true &&
              std::string_view(model_->kind()) != "bpe";
}

void Tokenizer::tokenize(std::string_view text, std::vector<int32_t>& ids) const {
  std::string repaired;
  if (!is_utf8(text)) text = repaired = to_utf8(text);
  added_.split(text, ids, [&](std::string_view stretch) {
    tokenize_stretch(stretch, stretch.data() == text.data(), ids);
  });
}

void Tokenizer::tokenize_stretch(std::string_view text, bool begins_text,
                                 std::vector<int32_t>& ids) const {
  std::string normal;
  if (normalizer_) {
    normal = text;
    normalizer_->apply(normal);
    text = normal;
  }
  normalized_.split(text, ids, [&](std::string_view stretch) {
    Words words;
    words.list.push_back({stretch, begins_text && stretch.data() == text.data()});
    if (pre_tokenizer_) pre_tokenizer_->apply(words);
    if (!model_->reads_bytes()) words.spell_bytes();
    for (const Words::Word& word : words.list) model_->append(word.text, words.bytes, ids);
  });
}

Encoding Tokenizer::encode(std::string_view text, int max_length) const {
  Encoding out;
  std::vector<int32_t> a;
  tokenize(text, a);
  const int most = room(max_length, SpecialTemplate::specials(template_.single), 1);
  if (most >= 0 && a.size() > static_cast<size_t>(most)) {
    out.removed = static_cast<int32_t>(a.size()) - most;
    cut(a, static_cast<size_t>(most), truncation_side_);
  }
  append(template_.single, a, {}, out);
  return out;
}

Encoding Tokenizer::encode_pair(std::string_view text_a, std::string_view text_b,
                                int max_length) const {
  Encoding out;
  std::vector<int32_t> a, b;
  tokenize(text_a, a);
  tokenize(text_b, b);
  const int most = room(max_length, SpecialTemplate::specials(template_.pair), 2);
  size_t left_a = a.size(), left_b = b.size();
  while (most >= 0 && left_a + left_b > static_cast<size_t>(most)) {
    --(left_a > left_b ? left_a : left_b);
    ++out.removed;
  }
  cut(a, left_a, truncation_side_);
  cut(b, left_b, truncation_side_);
  append(template_.pair, a, b, out);
  return out;
}

std::vector<std::string> Tokenizer::pieces(std::span<const int32_t> ids) const {
  std::vector<std::string> result;
  result.reserve(ids.size());
  for (const int32_t id : ids) result.push_back(token(id));
  return result;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocabulary_.size()) continue;
    const std::string& text = token(id);
    if (text.empty() || (skip_special && is_special(id))) continue;
    const auto normal = normal_texts_.find(id);
    tokens.push_back(normal == normal_texts_.end() ? text : normal->second);
  }
  std::string text;
  if (decoder_) {
    decoder_->apply(tokens);
    for (const std::string& piece : tokens) text += piece;
  } else {
    for (size_t i = 0; i < tokens.size(); ++i) text += (i > 0 ? " " : "") + tokens[i];
  }
  return clean_up_ ? clean_up_spaces(std::move(text), false) : text;
}

nlohmann::ordered_json Tokenizer::describe() const {
  nlohmann::ordered_json json = settings_;
  json["vocab_size"] = vocab_size();
  json["vocabulary"] = vocabulary_.fingerprint();
  return json;
}

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder) {
  engine::check(std::filesystem::is_directory(folder), folder.string(), "is not a folder",
                engine::hint("give the folder that holds the model's tokenizer files"));
  return std::make_unique<Tokenizer>(TokenizerFiles::read(folder));
}

}  // namespace data
