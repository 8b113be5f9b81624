#include "data/metrics/wordnet.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "data/metrics/tokenize.h"
#include "data/tokenizer_files.h"
#include "engine/base/number.h"

namespace data::metrics {
namespace {

namespace fs = std::filesystem;

constexpr const char* kParts[] = {"noun", "verb", "adj", "adv"};

int64_t number(const std::string& text, const std::string& where) {
  const auto value = engine::to_number<int64_t>(text);
  engine::check(value.has_value(), where, "expected a number, found \"", text, "\"",
                engine::hint("is this a file of WordNet 3's database?"));
  return *value;
}

template <class Visit>
void each_line(const fs::path& file, const Visit& visit) {
  const std::string text = read_text(file);
  int64_t line = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    ++line;
    // The licence at the top of the file is indented.
    if (text[begin] != ' ' && end > begin)
      visit(split_ascii(std::string_view(text).substr(begin, end - begin)),
            engine::concat(file.string(), ":", line));
    begin = end + 1;
  }
}

}  // namespace

std::optional<fs::path> WordNet::find() {
  std::vector<fs::path> places;
  if (const char* folder = std::getenv("WNSEARCHDIR")) places.emplace_back(folder);
  if (const char* home = std::getenv("WNHOME")) places.push_back(fs::path(home) / "dict");
  for (const char* usual : {"/usr/share/wordnet", "/usr/local/WordNet-3.0/dict"})
    places.emplace_back(usual);
  for (const fs::path& place : places)
    if (fs::exists(place / "index.noun") && fs::exists(place / "noun.exc")) return place;
  return std::nullopt;
}

WordNet::WordNet(const fs::path& folder) {
  for (const char* part : kParts) {
    // lemma pos sets pointers [pointer...] senses tagged offset...
    each_line(folder / (std::string("index.") + part),
              [&](const Words& fields, const std::string& where) {
                engine::check(fields.size() > 5, where, "a line of an index has 6 fields or more");
                const int64_t count = number(fields[2], where);
                engine::check(count > 0 && static_cast<size_t>(count) + 5 < fields.size(), where,
                              "the line promises ", count, " synonym sets");
                auto& sets = sets_[fields[0]];
                for (size_t k = fields.size() - static_cast<size_t>(count); k < fields.size(); ++k)
                  sets.push_back(static_cast<int32_t>(number(fields[k], where)));
              });
    each_line(folder / (std::string(part) + ".exc"), [&](const Words& fields, const std::string&) {
      auto& bases = irregular_[fields[0]];
      bases.insert(bases.end(), fields.begin() + 1, fields.end());
    });
  }
}

void WordNet::add(const std::string& word, std::vector<int32_t>& sets) const {
  const auto found = sets_.find(word);
  if (found != sets_.end()) sets.insert(sets.end(), found->second.begin(), found->second.end());
}

std::vector<int32_t> WordNet::synonym_sets(const std::string& word) const {
  std::vector<int32_t> sets;
  add(word, sets);
  const auto irregular = irregular_.find(word);
  if (irregular != irregular_.end()) {
    for (const std::string& base : irregular->second) add(base, sets);
  } else {
    add(base_form(word), sets);
  }
  std::sort(sets.begin(), sets.end());
  sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
  return sets;
}

std::string WordNet::base_form(const std::string& word) const {
  static constexpr std::pair<std::string_view, std::string_view> kEndings[] = {
      {"s", ""},      {"ses", "s"},   {"xes", "x"},   {"zes", "z"},
      {"ches", "ch"}, {"shes", "sh"}, {"men", "man"}, {"ies", "y"},  // nouns
      {"s", ""},      {"ies", "y"},   {"es", "e"},    {"es", ""},
      {"ed", "e"},    {"ed", ""},     {"ing", "e"},   {"ing", ""},    // verbs
      {"er", ""},     {"est", ""},    {"er", "e"},    {"est", "e"}};  // adjectives
  if (word.ends_with("ss") || word.size() <= 2) return word;
  for (const auto& [ending, instead] : kEndings) {
    if (!word.ends_with(ending)) continue;
    std::string base = word.substr(0, word.size() - ending.size());
    base += instead;
    if (sets_.count(base)) return base;
  }
  return "";
}

}  // namespace data::metrics
