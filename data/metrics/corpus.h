// Hypotheses with their references: what every text metric takes, as text or as words.
//
//   const Texts texts = ...;                                  // one hypothesis, its references
//   const Sentences s = tokenize(texts, tokenize_13a);        // data/metrics/tokenize.h
//   bleu(s, BleuStyle::mteval).score;
//
// The metrics differ in what an empty reference means (a reference of no words, or a missing one),
// so nothing here drops or adds any: pad() and drop_empty() do, where a script does.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace data::metrics {

using Words = std::vector<std::string>;
using Tokenize = std::function<Words(std::string_view)>;

struct Texts {
  std::vector<std::string> hypotheses;
  std::vector<std::vector<std::string>> references;  // [i]: those of hypotheses[i], one or more
  size_t size() const { return hypotheses.size(); }
};

struct Sentences {
  std::vector<Words> hypotheses;
  std::vector<std::vector<Words>> references;
  size_t size() const { return hypotheses.size(); }
};

// Throws engine::Error unless there is a hypothesis, and one or more references for each.
void check_texts(const Texts& texts, std::string_view where);

Sentences tokenize(const Texts& texts, const Tokenize& tokenizer);

enum class Pad { empty, first };
// Exactly `count` references each: the first ones, and for missing ones an empty text or a copy of
// the first reference.
Texts pad(Texts texts, size_t count, Pad with);
// Without references that have only white space. Throws engine::Error that names the example (from
// 1) if none is left.
Texts drop_empty(Texts texts, std::string_view where);
size_t most_references(const Texts& texts);

}  // namespace data::metrics
