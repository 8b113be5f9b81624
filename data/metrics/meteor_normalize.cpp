// Source: the behaviour of METEOR 1.5's normalizer. Its steps are global replacements of regular
// expressions, in which a character that one match has taken is not seen by the next.
#include "data/metrics/meteor_normalize.h"

#include <algorithm>

#include "data/metrics/tokenize.h"
#include "data/unicode.h"

namespace data::metrics {
namespace {

using Text = std::u32string;

// Stands for a run of full stops, whose length is Text's next character, until the end.
constexpr char32_t kDots = 0xF8FF;

bool in(char32_t c, char32_t low, char32_t high) { return c >= low && c <= high; }
bool digit(char32_t c) { return in(c, '0', '9'); }
bool alpha(char32_t c) {
  return in(c, 'A', 'Z') || in(c, 'a', 'z') || in(c, 0xC0, 0xD6) || in(c, 0xD8, 0xF6) ||
         in(c, 0xF8, 0x17E) || c == 0x178 || in(c, 0x400, 0x4FF) || in(c, 0x500, 0x527) ||
         in(c, 0xA640, 0xA66E) || in(c, 0xA67E, 0xA697) || in(c, 0x1D00, 0x1D7F);
}
bool alnum(char32_t c) { return alpha(c) || digit(c); }
bool ascii_space(char32_t c) { return c == ' ' || in(c, '\t', '\r'); }

Text decode(std::string_view line) {
  Text text;
  for (size_t i = 0; i < line.size();) text += next_code_point(line, i);
  return text;
}

std::string encode(const Text& text) {
  std::string out;
  for (const char32_t c : text) append_utf8(c, out);
  return out;
}

// "a?b" with a of `first`, ? = `middle` and b of `second` becomes a + with + b.
template <class First, class Second>
Text replace_middle(const Text& text, const First& first, char32_t middle, const Second& second,
                    const char32_t* with) {
  Text out;
  size_t i = 0;
  while (i < text.size()) {
    if (i + 2 < text.size() && text[i + 1] == middle && first(text[i]) && second(text[i + 2])) {
      out += text[i];
      out += with;
      out += text[i + 2];
      i += 3;
    } else {
      out += text[i++];
    }
  }
  return out;
}

Text separate_symbols(const Text& text) {
  Text out;
  for (const char32_t c : text) {
    const bool stays = alnum(c) || ascii_space(c) || c == '.' || c == '\'' || c == '`' ||
                       c == ',' || c == '-' || c == 0x2018 || c == 0x2019;
    if (stays) {
      out += c;
    } else {
      out += U' ';
      out += c;
      out += U' ';
    }
  }
  return out;
}

Text separate_dots(const Text& text) {
  Text out;
  for (size_t i = 0; i < text.size();) {
    size_t run = 0;
    while (i + run < text.size() && text[i + run] == '.') ++run;
    if (run > 1) {
      out += {U' ', kDots, static_cast<char32_t>(0xE000 + std::min<size_t>(run, 0x1000)), U' '};
      i += run;
    } else {
      out += text[i++];
    }
  }
  return out;
}

Text plain_marks(const Text& text) {
  Text quotes;
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i] == '`' || text[i] == 0x2018 || text[i] == 0x2019 ? U'\'' : text[i];
    quotes += c;
  }
  Text out;
  for (size_t i = 0; i < quotes.size(); ++i) {
    const bool doubled = quotes[i] == '\'' && i + 1 < quotes.size() && quotes[i + 1] == '\'';
    if (doubled || quotes[i] == 0x201C || quotes[i] == 0x201D) {
      out += U" \" ";
      i += doubled;
    } else {
      out += quotes[i] == 0x2013 ? U'-' : quotes[i];
    }
  }
  Text dashes;
  for (size_t i = 0; i < out.size(); ++i) {
    dashes += out[i];
    if (out[i] == '-' && i + 1 < out.size() && out[i + 1] == '-') ++i;
  }
  return dashes;
}

Text cut_contractions(Text text) {
  const auto no_alpha = [](char32_t c) { return !alpha(c); };
  const auto neither = [](char32_t c) { return !alnum(c); };
  text = replace_middle(text, no_alpha, '\'', no_alpha, U" ' ");
  text = replace_middle(text, neither, '\'', alpha, U" ' ");
  text = replace_middle(text, alpha, '\'', no_alpha, U" ' ");
  text = replace_middle(text, alpha, '\'', alpha, U" '");
  return replace_middle(
      text, digit, '\'', [](char32_t c) { return c == 's'; }, U" '");
}

enum class Prefix { none, always, before_number };

// Abbreviations whose full stop stays with them.
Prefix prefix(const std::string& word) {
  static const char* const kAlways[] = {
      "Adj",   "Adm",  "Adv",  "Asst", "Bart", "Bldg", "Brig", "Bros", "Capt", "Cmdr",   "Col",
      "Comdr", "Con",  "Corp", "Cpl",  "DR",   "Dr",   "Drs",  "Ens",  "Gen",  "Gov",    "Hon",
      "Hr",    "Hosp", "Insp", "Lt",   "MM",   "MR",   "MRS",  "MS",   "Maj",  "Messrs", "Mlle",
      "Mme",   "Mr",   "Mrs",  "Ms",   "Msgr", "Op",   "Ord",  "Pfc",  "Ph",   "Prof",   "Pvt",
      "Rep",   "Reps", "Res",  "Rev",  "Rt",   "Sen",  "Sens", "Sfc",  "Sgt",  "Sr",     "St",
      "Supt",  "Surg", "v",    "vs",   "i.e",  "rev",  "e.g",  "Nos",  "Nr"};
  if (word.size() == 1 && word[0] >= 'A' && word[0] <= 'Z') return Prefix::always;
  if (std::find(std::begin(kAlways), std::end(kAlways), word) != std::end(kAlways))
    return Prefix::always;
  return word == "No" || word == "Art" || word == "pp" ? Prefix::before_number : Prefix::none;
}

// The full stop at the end of a word: dropped, kept or a word of its own.
Text end_dot(const Text& word, const Text* next) {
  if (word.size() < 2 || word.back() != '.') return word;
  const Text before = word.substr(0, word.size() - 1);
  const bool inner = before.find(U'.') != Text::npos;
  if (inner && std::any_of(before.begin(), before.end(), alpha)) {
    Text without;
    for (const char32_t c : word)
      if (c != '.') without += c;
    return without;
  }
  const Prefix kind = prefix(encode(before));
  const bool lower = next && in((*next)[0], 'a', 'z'), number = next && digit((*next)[0]);
  if (kind == Prefix::always || lower || (kind == Prefix::before_number && number)) return word;
  return before + U" .";
}

Text end_dots(const Text& text) {
  std::vector<Text> words;
  for (const char32_t c : text) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
    if (space || words.empty()) words.emplace_back();
    if (!space) words.back() += c;
  }
  std::erase_if(words, [](const Text& word) { return word.empty(); });
  Text out;
  for (size_t i = 0; i < words.size(); ++i)
    out += end_dot(words[i], i + 1 < words.size() ? &words[i + 1] : nullptr) + U" ";
  return out;
}

Text restore_dots(const Text& text) {
  Text out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool run = text[i] == kDots && i + 1 < text.size() && in(text[i + 1], 0xE000, 0xF000);
    if (run) {
      out.append(text[++i] - 0xE000, U'.');
    } else if (text[i] == 0xA0 || in(text[i], 0x2000, 0x200A) || text[i] == 0x202F ||
               text[i] == 0x205F || text[i] == 0x3000) {
      out += U' ';
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

Words meteor_words(std::string_view line) {
  const auto no_digit = [](char32_t c) { return !digit(c); };
  Text text = separate_dots(separate_symbols(U" " + decode(line) + U" "));
  text = replace_middle(text, no_digit, ',', no_digit, U" , ");
  text = replace_middle(text, digit, ',', no_digit, U" , ");
  text = replace_middle(text, no_digit, ',', digit, U" , ");
  text = plain_marks(text);
  text = replace_middle(
      text, [](char32_t c) { return alnum(c) || c == '.'; }, '-', alnum, U" ");
  text = restore_dots(end_dots(cut_contractions(std::move(text))));
  return split_ascii(lower_unicode(encode(text)));
}

}  // namespace data::metrics
