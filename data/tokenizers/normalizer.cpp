#include "data/tokenizers/normalizer.h"

#include <utf8proc.h>

#include <cstdlib>
#include <functional>
#include <vector>

#include "data/bert_normalizer.h"
#include "data/tokenizers/byte_level.h"
#include "data/tokenizers/charsmap.h"
#include "data/tokenizers/part_json.h"
#include "data/tokenizers/pattern.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;
using Made = std::unique_ptr<Normalizer>;

// Most parts are a function of the text.
class Step final : public Normalizer {
 public:
  explicit Step(std::function<void(std::string&)> change) : change_(std::move(change)) {}
  void apply(std::string& text) const override { change_(text); }

 private:
  std::function<void(std::string&)> change_;
};
Made step(std::function<void(std::string&)> change) {
  return std::make_unique<Step>(std::move(change));
}

class SequenceOf final : public Normalizer {
 public:
  std::vector<Made> steps;
  void apply(std::string& text) const override {
    for (const auto& s : steps) s->apply(text);
  }
};

bool is_ascii(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  return true;
}

Made unicode_form(int options) {
  return step([options](std::string& text) {
    if (is_ascii(text)) return;
    utf8proc_uint8_t* mapped = nullptr;
    const auto n = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                static_cast<utf8proc_option_t>(options));
    if (n >= 0) text.assign(reinterpret_cast<const char*>(mapped), static_cast<size_t>(n));
    std::free(mapped);
    engine::check(n >= 0, "tokenizer", "a text cannot be normalised: ", utf8proc_errmsg(n));
  });
}

// Each character goes through `put`, which appends what becomes of it.
template <class Put>
Made by_character(Put put) {
  return step([put](std::string& text) {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) put(next_code_point(text, at), out);
    text = std::move(out);
  });
}

void strip(std::string& text, bool left, bool right) {
  std::string_view rest = text;
  while (left && !rest.empty()) {
    size_t next = 0;
    if (!is_white_space(next_code_point(rest, next))) break;
    rest.remove_prefix(next);
  }
  while (right && !rest.empty()) {
    size_t last = rest.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(rest[last]) & 0xC0) == 0x80) --last;
    size_t at = last;
    if (!is_white_space(next_code_point(rest, at))) break;
    rest = rest.substr(0, last);
  }
  text = std::string(rest);
}

// SentencePiece's "nmt" rule: control characters go, format characters become spaces.
void nmt(char32_t c, std::string& out) {
  if ((c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F ||
      c == 0x9F)
    return;
  const bool space = c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
                     (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                     c == 0xFEFF || c == 0xFFFD;
  append_utf8(space ? U' ' : c, out);
}

Made bert(const PartJson& part) {
  BertNormalizerOptions options;
  options.clean_text = part.flag("clean_text");
  options.handle_chinese_chars = part.flag("handle_chinese_chars");
  options.lowercase = part.flag("lowercase");
  options.strip_accents = part.flag("strip_accents", options.lowercase);
  return step([options](std::string& text) {
    std::string out;
    bert_normalize(text, options, out);
    text = std::move(out);
  });
}

Made make(const Json& json, const std::string& where, int depth) {
  engine::check(depth < kDeepest, where, "the normalizer nests sequences ", kDeepest, " deep");
  const PartJson part(json, "normalizer", where);
  const std::string& type = part.type();
  if (type == "Sequence") {
    auto all = std::make_unique<SequenceOf>();
    for (const Json& one : part.list("normalizers"))
      all->steps.push_back(make(one, where, depth + 1));
    return all;
  }
  if (type == "BertNormalizer") return bert(part);
  if (type == "NFC") return unicode_form(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  if (type == "NFD") return unicode_form(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
  if (type == "NFKC") return unicode_form(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
  if (type == "NFKD") return unicode_form(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
  if (type == "Nmt") return by_character(nmt);
  if (type == "Lowercase")
    return by_character([](char32_t c, std::string& out) {
      char32_t lower[kMaxMapped];
      const int n = to_lower(c, lower);
      for (int i = 0; i < n; ++i) append_utf8(lower[i], out);
    });
  if (type == "StripAccents")
    return by_character([](char32_t c, std::string& out) {
      if (!is_mark(c)) append_utf8(c, out);
    });
  if (type == "Strip")
    return step([left = part.flag("strip_left"), right = part.flag("strip_right")](
                    std::string& text) { strip(text, left, right); });
  if (type == "Replace")
    return step([pattern = Pattern::from_json(part.at("pattern"), where),
                 content = part.text("content")](std::string& text) {
      text = pattern.replace(text, content);
    });
  if (type == "Prepend")
    return step([front = part.text("prepend")](std::string& text) {
      if (!text.empty()) text.insert(0, front);
    });
  if (type == "Precompiled")
    return step([map = CharsMap::from_base64(part.text("precompiled_charsmap"), where)](
                    std::string& text) { text = map.apply(text); });
  if (type == "ByteLevel")
    return step([](std::string& text) {
      std::string out;
      for (const char c : text) out += byte_characters()[static_cast<unsigned char>(c)];
      text = std::move(out);
    });
  part.unknown(
      "BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Nmt, Replace, "
      "Prepend, Precompiled, ByteLevel and Sequence");
}

}  // namespace

std::unique_ptr<Normalizer> Normalizer::from_json(const Json& json, const std::string& where) {
  return json.is_null() ? nullptr : make(json, where, 0);
}

}  // namespace data
