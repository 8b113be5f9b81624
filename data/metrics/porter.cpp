#include "data/metrics/porter.h"

#include <initializer_list>
#include <utility>

namespace data::metrics {
namespace {

bool consonant(std::string_view word, size_t i) {
  switch (word[i]) {
    case 'a':
    case 'e':
    case 'i':
    case 'o':
    case 'u':
      return false;
    case 'y':
      return i == 0 || !consonant(word, i - 1);
    default:
      return true;
  }
}

// m of [C](VC)^m[V]: how often a consonant follows a vowel.
int measure(std::string_view stem) {
  int m = 0;
  for (size_t i = 1; i < stem.size(); ++i) m += consonant(stem, i) && !consonant(stem, i - 1);
  return m;
}

bool has_vowel(std::string_view stem) {
  for (size_t i = 0; i < stem.size(); ++i)
    if (!consonant(stem, i)) return true;
  return false;
}

bool double_consonant(std::string_view word) {
  const size_t n = word.size();
  return n >= 2 && word[n - 1] == word[n - 2] && consonant(word, n - 1);
}

// Ends consonant, vowel, consonant that is not w, x or y; or is vowel, consonant (NLTK).
bool ends_cvc(std::string_view word) {
  const size_t n = word.size();
  if (n == 2) return !consonant(word, 0) && consonant(word, 1);
  return n >= 3 && consonant(word, n - 3) && !consonant(word, n - 2) && consonant(word, n - 1) &&
         word[n - 1] != 'w' && word[n - 1] != 'x' && word[n - 1] != 'y';
}

using Rule = std::pair<const char*, const char*>;

std::string cut(const std::string& word, std::string_view suffix) {
  return word.substr(0, word.size() - suffix.size());
}

// The first rule whose suffix the word has decides: with a measure above `least`, or not at all.
std::string replace_suffix(const std::string& word, std::initializer_list<Rule> rules, int least) {
  for (const auto& [suffix, with] : rules) {
    if (!word.ends_with(suffix)) continue;
    const std::string stem = cut(word, suffix);
    return measure(stem) > least ? stem + with : word;
  }
  return word;
}

std::string step1a(const std::string& word) {
  if (word.ends_with("ies")) return word.size() == 4 ? cut(word, "s") : cut(word, "es");
  if (word.ends_with("sses")) return cut(word, "es");
  if (word.ends_with("ss") || !word.ends_with("s")) return word;
  return cut(word, "s");
}

std::string step1b(const std::string& word) {
  if (word.ends_with("ied")) return word.size() == 4 ? cut(word, "d") : cut(word, "ed");
  if (word.ends_with("eed")) return measure(cut(word, "eed")) > 0 ? cut(word, "d") : word;
  std::string stem;
  for (const char* suffix : {"ed", "ing"})
    if (stem.empty() && word.ends_with(suffix) && has_vowel(cut(word, suffix)))
      stem = cut(word, suffix);
  if (stem.empty()) return word;
  if (stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz")) return stem + "e";
  if (double_consonant(stem)) {
    const char last = stem.back();
    return last == 'l' || last == 's' || last == 'z' ? stem : cut(stem, "x");
  }
  return measure(stem) == 1 && ends_cvc(stem) ? stem + "e" : stem;
}

std::string step1c(const std::string& word) {
  if (!word.ends_with("y")) return word;
  const std::string stem = cut(word, "y");
  return stem.size() > 1 && consonant(stem, stem.size() - 1) ? stem + "i" : word;
}

std::string step2(const std::string& word) {
  if (word.ends_with("alli") && measure(cut(word, "alli")) > 0) return step2(cut(word, "li"));
  // The measure is that of the word without "ogi": the "l" belongs to it.
  if (word.ends_with("logi")) return measure(cut(word, "ogi")) > 0 ? cut(word, "i") : word;
  return replace_suffix(
      word, {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},
             {"izer", "ize"},    {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"},
             {"eli", "e"},       {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},
             {"ator", "ate"},    {"alism", "al"},    {"iveness", "ive"}, {"fulness", "ful"},
             {"ousness", "ous"}, {"aliti", "al"},    {"iviti", "ive"},   {"biliti", "ble"},
             {"fulli", "ful"}},
      0);
}

std::string step4(const std::string& word) {
  for (const char* suffix :
       {"al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion",
        "ou", "ism", "ate", "iti", "ous", "ive", "ize"}) {
    if (!word.ends_with(suffix)) continue;
    const std::string stem = cut(word, suffix);
    const bool ion = std::string_view(suffix) == "ion";
    if (measure(stem) <= 1 || (ion && !stem.ends_with("s") && !stem.ends_with("t"))) return word;
    return stem;
  }
  return word;
}

std::string step5(std::string word) {
  if (word.ends_with("e")) {
    const std::string stem = cut(word, "e");
    const int m = measure(stem);
    if (m > 1 || (m == 1 && !ends_cvc(stem))) word = stem;
  }
  return word.ends_with("ll") && measure(cut(word, "l")) > 1 ? cut(word, "l") : word;
}

}  // namespace

std::string porter_stem(std::string_view text) {
  static constexpr std::pair<std::string_view, std::string_view> kIrregular[] = {
      {"sky", "sky"},        {"skies", "sky"},        {"dying", "die"},
      {"lying", "lie"},      {"tying", "tie"},        {"news", "news"},
      {"innings", "inning"}, {"inning", "inning"},    {"outings", "outing"},
      {"outing", "outing"},  {"cannings", "canning"}, {"canning", "canning"},
      {"howe", "howe"},      {"proceed", "proceed"},  {"exceed", "exceed"},
      {"succeed", "succeed"}};
  for (const auto& [word, stem] : kIrregular)
    if (text == word) return std::string(stem);
  std::string word(text);
  if (word.size() <= 2) return word;
  word = step2(step1c(step1b(step1a(word))));
  word = replace_suffix(word,
                        {{"icate", "ic"},
                         {"ative", ""},
                         {"alize", "al"},
                         {"iciti", "ic"},
                         {"ical", "ic"},
                         {"ful", ""},
                         {"ness", ""}},
                        0);
  return step5(step4(word));
}

}  // namespace data::metrics
