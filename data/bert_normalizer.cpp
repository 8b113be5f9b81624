#include "data/bert_normalizer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "data/unicode.h"

namespace data {
namespace {

enum AsciiClass : uint8_t { kLetter, kSpace, kPunctuation, kControl };

// ASCII 33-47, 58-64, 91-96 and 123-126 count as punctuation, symbols such as "$" and "`" with
// them.
constexpr std::array<AsciiClass, 128> ascii_classes() {
  std::array<AsciiClass, 128> classes{};
  for (int c = 0; c < 128; ++c) {
    auto& k = classes[static_cast<size_t>(c)];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      k = kSpace;
    } else if (c < 32 || c == 127) {
      k = kControl;
    } else if ((c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
               (c >= 123 && c <= 126)) {
      k = kPunctuation;
    } else {
      k = kLetter;
    }
  }
  return classes;
}
constexpr auto kAscii = ascii_classes();

// Characters one after the other through the rest of the pipeline: canonical order of the marks
// that stay, lower case.
class Writer {
 public:
  Writer(const BertNormalizerOptions& options, std::string& out) : options_(options), out_(out) {}

  void ascii(char c) {
    if (!marks_.empty()) flush();
    out_.push_back(options_.lowercase && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  }

  void put(char32_t c) {
    if (!options_.strip_accents) return lower(c);
    char32_t parts[kMaxMapped];
    const int n = decompose(c, parts);
    for (int i = 0; i < n; ++i) {
      if (is_nonspacing_mark(parts[i])) continue;
      if (const int order =
              combining_class(parts[i])) {  // a few spacing marks have one: NFD sorts them
        marks_.emplace_back(order, parts[i]);
      } else {
        flush();
        lower(parts[i]);
      }
    }
  }

  void flush() {
    if (marks_.empty()) return;
    std::stable_sort(marks_.begin(), marks_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [order, c] : marks_) lower(c);
    marks_.clear();
  }

 private:
  void lower(char32_t c) {
    if (!options_.lowercase) return append_utf8(c, out_);
    char32_t parts[kMaxMapped];
    const int n = to_lower(c, parts);
    for (int i = 0; i < n; ++i) append_utf8(parts[i], out_);
  }

  const BertNormalizerOptions& options_;
  std::string& out_;
  std::vector<std::pair<int, char32_t>> marks_;
};

}  // namespace

bool is_cjk(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B820 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

void bert_normalize(std::string_view text, const BertNormalizerOptions& options, std::string& out) {
  out.reserve(out.size() + text.size() + 16);
  Writer writer(options, out);
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      ++at;
      if (options.clean_text) {
        if (kAscii[byte] == kControl) continue;
        writer.ascii(kAscii[byte] == kSpace ? ' ' : static_cast<char>(byte));
      } else {
        writer.ascii(static_cast<char>(byte));
      }
      continue;
    }
    const char32_t c = next_code_point(text, at);
    if (options.clean_text) {
      if (c == 0xFFFD || is_other(c)) continue;
      if (is_white_space(c)) {
        writer.ascii(' ');
        continue;
      }
    }
    const bool spaced = options.handle_chinese_chars && is_cjk(c);
    if (spaced) writer.ascii(' ');
    writer.put(c);
    if (spaced) writer.ascii(' ');
  }
  writer.flush();
}

void bert_split(std::string_view normalized, std::vector<WordRange>& words) {
  size_t begin = 0;
  const auto end_word = [&](size_t end) {
    if (end > begin) words.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
  };
  for (size_t at = 0; at < normalized.size();) {
    const size_t here = at;
    const auto byte = static_cast<unsigned char>(normalized[at]);
    bool space, punctuation;
    if (byte < 0x80) {
      ++at;
      if (kAscii[byte] == kLetter) continue;
      punctuation = kAscii[byte] == kPunctuation;
      space = is_white_space(byte);
    } else {
      const char32_t c = next_code_point(normalized, at);
      space = is_white_space(c);
      punctuation = !space && is_punctuation(c);
    }
    if (!space && !punctuation) continue;
    end_word(here);
    begin = at;
    if (punctuation) words.push_back({static_cast<uint32_t>(here), static_cast<uint32_t>(at)});
  }
  end_word(normalized.size());
}

}  // namespace data
