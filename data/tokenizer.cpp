#include "data/tokenizer.h"

#include <algorithm>

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

}  // namespace

void Tokenizer::tokenize(std::string_view text, std::vector<int32_t>& ids) const {
  std::string repaired;
  if (!is_utf8(text)) text = repaired = to_utf8(text);
  added_.split(text, ids, [&](std::string_view stretch) { tokenize_plain(stretch, ids); });
}

Encoding Tokenizer::encode(std::string_view text, int max_length) const {
  Encoding out;
  std::vector<int32_t> a;
  tokenize(text, a);
  const int most = room(max_length, SpecialTemplate::specials(template_.single), 1);
  if (most >= 0 && a.size() > static_cast<size_t>(most)) {
    out.removed = static_cast<int32_t>(a.size()) - most;
    a.resize(static_cast<size_t>(most));
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
  while (most >= 0 && a.size() + b.size() > static_cast<size_t>(most)) {
    (a.size() > b.size() ? a : b).pop_back();
    ++out.removed;
  }
  append(template_.pair, a, b, out);
  return out;
}

std::vector<std::string> Tokenizer::pieces(std::span<const int32_t> ids) const {
  std::vector<std::string> result;
  result.reserve(ids.size());
  for (const int32_t id : ids) result.push_back(token(id));
  return result;
}

bool Tokenizer::is_special(int32_t id) const {
  return std::find(special_list_.begin(), special_list_.end(), id) != special_list_.end();
}

nlohmann::ordered_json Tokenizer::describe() const {
  nlohmann::ordered_json json = settings();
  json["vocab_size"] = vocab_size();
  json["vocabulary"] = vocabulary_.fingerprint();
  return json;
}

}  // namespace data
