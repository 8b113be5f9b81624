#include "data/metrics/tokenize.h"

#include "data/unicode.h"

namespace data::metrics {
namespace {

bool ascii_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool digit(char c) { return c >= '0' && c <= '9'; }
// Python's str.isspace also has the four separators U+001C to U+001F.
bool python_space(char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

// The ranges {-~ [-` space-& (-+ :-@ and / of mteval: all of ASCII's punctuation but ' , - and .
bool apart(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

// Where first(a) and second(b) hold for two neighbours, writes them with `between`, `behind` and
// `before` around; the search goes on behind both, as a regular expression's global replace does.
template <class First, class Second>
std::string separate(const std::string& text, const First& first, const Second& second,
                     const char* before, const char* behind) {
  std::string out;
  out.reserve(text.size() + 16);
  size_t i = 0;
  while (i < text.size()) {
    if (i + 1 < text.size() && first(text[i]) && second(text[i + 1])) {
      out += before;
      out += text[i];
      out += ' ';
      out += text[i + 1];
      out += behind;
      i += 2;
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::string apart_13a(std::string_view line, std::string (*lower)(std::string_view)) {
  std::string text(line);
  text = replace_all(std::move(text), "<skipped>", "");
  text = replace_all(std::move(text), "-\n", "");
  text = replace_all(std::move(text), "\n", " ");
  text = replace_all(std::move(text), "&quot;", "\"");
  text = replace_all(std::move(text), "&amp;", "&");
  text = replace_all(std::move(text), "&lt;", "<");
  text = replace_all(std::move(text), "&gt;", ">");
  text = " " + text + " ";
  if (lower) text = lower(text);
  std::string spaced;
  for (const char c : text) {
    if (apart(c)) {
      spaced += ' ';
      spaced += c;
      spaced += ' ';
    } else {
      spaced += c;
    }
  }
  const auto point = [](char c) { return c == '.' || c == ','; };
  const auto no_digit = [](char c) { return !digit(c); };
  spaced = separate(spaced, no_digit, point, "", " ");
  spaced = separate(spaced, point, no_digit, " ", "");
  return separate(
      spaced, digit, [](char c) { return c == '-'; }, "", " ");
}

}  // namespace

Words split_ascii(std::string_view line) {
  Words words;
  for (size_t i = 0; i < line.size();) {
    while (i < line.size() && ascii_space(line[i])) ++i;
    const size_t begin = i;
    while (i < line.size() && !ascii_space(line[i])) ++i;
    if (i > begin) words.emplace_back(line.substr(begin, i - begin));
  }
  return words;
}

Words split_unicode(std::string_view line) {
  Words words;
  size_t begin = 0;
  const auto close = [&](size_t end) {
    if (end > begin) words.emplace_back(line.substr(begin, end - begin));
  };
  for (size_t i = 0; i < line.size();) {
    const size_t at = i;
    if (python_space(next_code_point(line, i))) {
      close(at);
      begin = i;
    }
  }
  close(line.size());
  return words;
}

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return lower;
}

std::string lower_unicode(std::string_view text) {
  std::string lower;
  char32_t mapped[kMaxMapped];
  for (size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    const int count = to_lower(c, mapped);
    for (int k = 0; k < count; ++k) append_utf8(mapped[k], lower);
  }
  return lower;
}

Words tokenize_mteval(std::string_view line) { return split_unicode(apart_13a(line, lower_ascii)); }

Words tokenize_pymteval(std::string_view line) {
  Words words = split_unicode(apart_13a(line, lower_unicode));
  if (words.empty()) words.emplace_back();
  return words;
}

Words tokenize_13a(std::string_view line) { return split_unicode(apart_13a(line, nullptr)); }

Words tokenize_multi_bleu(std::string_view line) { return split_ascii(line); }
Words tokenize_multi_bleu_lc(std::string_view line) { return split_ascii(lower_ascii(line)); }

std::string apart_words(std::string_view text) {
  std::string spaced;
  for (size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    const bool word = c == '_' || is_letter(c) || is_number(c);
    if (!word) spaced += ' ';
    append_utf8(c, spaced);
    if (!word) spaced += ' ';
  }
  std::string joined;
  for (const std::string& part : split_unicode(spaced))
    joined += (joined.empty() ? "" : " ") + part;
  return joined;
}

std::string trim(std::string_view text) {
  size_t begin = text.size(), end = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t at = i;
    if (python_space(next_code_point(text, i))) continue;
    begin = std::min(begin, at);
    end = i;
  }
  return begin < end ? std::string(text.substr(begin, end - begin)) : std::string();
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace data::metrics
