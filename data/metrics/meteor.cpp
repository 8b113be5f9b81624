#include "data/metrics/meteor.h"

#include <libstemmer.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "data/metrics/meteor_align.h"
#include "data/metrics/meteor_normalize.h"
#include "engine/base/error.h"

namespace data::metrics {
namespace {

constexpr double kAlpha = 0.85, kBeta = 0.20, kGamma = 0.60, kDelta = 0.75;
constexpr std::array<double, kMeteorModules> kWeights = {1.0, 0.6, 0.8};

// Words of METEOR's list: more than one in a thousand of a large corpus.
const char* const kFunctionWords[] = {
    "the",  ",",      ".",     "to",   "of",     "and",   "a",      "in",     "that",  "for",
    "\"",   "is",     "on",    "'s",   "it",     "with",  "was",    "as",     "said",  "at",
    "he",   "by",     "be",    "from", "have",   "has",   "are",    "his",    "but",   "an",
    "this", "not",    "i",     "will", "\u2019", "they",  ")",      "-rrb-",  "(",     "-lrb-",
    "who",  "their",  "had",   "we",   "which",  "were",  "been",   "more",   "or",    "s",
    "its",  "would",  "about", "new",  "one",    "after", "you",    ":",      "also",  "up",
    "when", "there",  "than",  "$",    "all",    "out",   "her",    "people", "she",   "year",
    "two",  "-",      "can",   "if",   "last",   "first", "\u201C", "over",   "other", "\u201D",
    "into", "some",   "what",  "so",   "--",     "no",    "time",   "years",  "could", "?",
    "'t",   "\u2014", "'"};

// Words with their stems and synonym sets, each looked up once.
class Lexicon {
 public:
  explicit Lexicon(const WordNet* wordnet)
      : wordnet_(wordnet), stemmer_(sb_stemmer_new("english", "UTF_8"), sb_stemmer_delete) {
    engine::check(stemmer_ != nullptr, "meteor", "libstemmer has no English stemmer");
  }

  std::vector<MeteorWord> operator()(const Words& words) {
    std::vector<MeteorWord> out;
    for (const std::string& word : words) out.push_back(look_up(word));
    return out;
  }

 private:
  const MeteorWord& look_up(const std::string& text) {
    const auto found = words_.find(text);
    if (found != words_.end()) return found->second;
    MeteorWord word;
    word.word = static_cast<int32_t>(words_.size());
    word.stem = stem(text);
    if (wordnet_)
      word.synonym_sets = &sets_.emplace(text, wordnet_->synonym_sets(text)).first->second;
    word.function_word = std::find(std::begin(kFunctionWords), std::end(kFunctionWords), text) !=
                         std::end(kFunctionWords);
    return words_.emplace(text, word).first->second;
  }

  int32_t stem(const std::string& text) {
    const sb_symbol* out =
        sb_stemmer_stem(stemmer_.get(), reinterpret_cast<const sb_symbol*>(text.data()),
                        static_cast<int>(text.size()));
    engine::check(out != nullptr, "meteor", "no memory for a stem");
    const std::string stemmed(reinterpret_cast<const char*>(out),
                              static_cast<size_t>(sb_stemmer_length(stemmer_.get())));
    return stems_.try_emplace(stemmed, static_cast<int32_t>(stems_.size())).first->second;
  }

  const WordNet* wordnet_;
  std::unique_ptr<sb_stemmer, decltype(&sb_stemmer_delete)> stemmer_;
  std::unordered_map<std::string, MeteorWord> words_;
  std::unordered_map<std::string, int32_t> stems_;
  std::unordered_map<std::string, std::vector<int32_t>> sets_;
};

struct Side {
  double words = 0, function_words = 0;
  std::array<double, kMeteorModules> content = {}, function = {};  // matches by module

  double weighted_words() const {
    return kDelta * (words - function_words) + (1 - kDelta) * function_words;
  }
  double weighted_matches() const {
    double sum = 0;
    for (int m = 0; m < kMeteorModules; ++m)
      sum += kWeights[m] * (kDelta * content[m] + (1 - kDelta) * function[m]);
    return sum;
  }
  double matches() const {
    double sum = 0;
    for (int m = 0; m < kMeteorModules; ++m) sum += content[m] + function[m];
    return sum;
  }
  void add(const Side& other) {
    words += other.words;
    function_words += other.function_words;
    for (int m = 0; m < kMeteorModules; ++m) {
      content[m] += other.content[m];
      function[m] += other.function[m];
    }
  }
};

struct Counts {
  Side hypothesis, reference;
  double chunks = 0;

  // Every word matched in one piece: no penalty.
  bool whole() const {
    return hypothesis.matches() == hypothesis.words && reference.matches() == reference.words &&
           chunks == 1;
  }
  double score() const {
    const double p = hypothesis.weighted_matches() / hypothesis.weighted_words();
    const double r = reference.weighted_matches() / reference.weighted_words();
    const double f = 1 / ((1 - kAlpha) / p + kAlpha / r);
    const double pieces = whole() ? 0 : chunks / ((hypothesis.matches() + reference.matches()) / 2);
    const double score = f * (1 - kGamma * std::pow(pieces, kBeta));
    return std::isnan(score) ? 0 : std::max(score, 0.0);
  }
  void add(const Counts& other) {
    hypothesis.add(other.hypothesis);
    reference.add(other.reference);
    if (!other.whole()) chunks += other.chunks;
  }
};

Side count_words(const std::vector<MeteorWord>& words) {
  Side side;
  side.words = static_cast<double>(words.size());
  for (const MeteorWord& word : words) side.function_words += word.function_word;
  return side;
}

Counts count(const std::vector<MeteorWord>& hypothesis, const std::vector<MeteorWord>& reference) {
  const MeteorAlignment alignment = meteor_align(hypothesis, reference);
  Counts counts;
  counts.hypothesis = count_words(hypothesis);
  counts.reference = count_words(reference);
  counts.chunks = alignment.chunks;
  for (size_t j = 0; j < reference.size(); ++j) {
    const MeteorMatch& match = alignment.matches[j];
    if (match.hypothesis < 0) continue;
    const auto tally = [&](Side& side, const MeteorWord& word) {
      ++(word.function_word ? side.function : side.content)[match.module];
    };
    tally(counts.hypothesis, hypothesis[static_cast<size_t>(match.hypothesis)]);
    tally(counts.reference, reference[j]);
  }
  return counts;
}

}  // namespace

Meteor meteor(const Sentences& sentences, const WordNet* wordnet) {
  engine::check(!sentences.hypotheses.empty(), "meteor", "there is no hypothesis to score");
  Lexicon lexicon(wordnet);
  Meteor result;
  result.modules = wordnet ? "exact, stem, synonym; without paraphrases"
                           : "exact, stem; without synonyms (no WordNet) and paraphrases";
  Counts total;
  for (size_t i = 0; i < sentences.size(); ++i) {
    const std::vector<MeteorWord> hypothesis = lexicon(sentences.hypotheses[i]);
    Counts best;
    double score = -1;
    for (const Words& words : sentences.references[i]) {
      const Counts own = count(hypothesis, lexicon(words));
      if (own.score() > score) best = own, score = own.score();
    }
    result.segments.push_back(score);
    total.add(best);
  }
  result.score = total.score();
  return result;
}

Sentences meteor_words_of(const Sentences& coco) {
  const auto again = [](const Words& words) {
    std::string line;
    for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
    return meteor_words(line);
  };
  Sentences out;
  for (const Words& words : coco.hypotheses) out.hypotheses.push_back(again(words));
  for (const auto& references : coco.references) {
    auto& mine = out.references.emplace_back();
    for (const Words& words : references) mine.push_back(again(words));
  }
  return out;
}

}  // namespace data::metrics
