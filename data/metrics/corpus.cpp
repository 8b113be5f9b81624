#include "data/metrics/corpus.h"

#include <algorithm>

#include "engine/base/error.h"

namespace data::metrics {

void check_texts(const Texts& texts, std::string_view where) {
  engine::check(!texts.hypotheses.empty(), where, "there is no hypothesis to score");
  engine::check(texts.references.size() == texts.size(), where, texts.size(),
                " hypotheses but references for ", texts.references.size());
  for (size_t i = 0; i < texts.size(); ++i)
    engine::check(!texts.references[i].empty(), where, "hypothesis ", i + 1, " has no reference");
}

Sentences tokenize(const Texts& texts, const Tokenize& tokenizer) {
  Sentences sentences;
  sentences.hypotheses.reserve(texts.size());
  sentences.references.resize(texts.references.size());
  for (const std::string& text : texts.hypotheses) sentences.hypotheses.push_back(tokenizer(text));
  for (size_t i = 0; i < texts.references.size(); ++i)
    for (const std::string& text : texts.references[i])
      sentences.references[i].push_back(tokenizer(text));
  return sentences;
}

Texts pad(Texts texts, size_t count, Pad with) {
  for (auto& references : texts.references) {
    const std::string filler = with == Pad::first && !references.empty() ? references.front() : "";
    references.resize(count, filler);
  }
  return texts;
}

Texts drop_empty(Texts texts, std::string_view where) {
  for (size_t i = 0; i < texts.references.size(); ++i) {
    auto& references = texts.references[i];
    std::erase_if(references, [](const std::string& text) {
      return text.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
    });
    engine::check(!references.empty(), where, "every reference of example ", i + 1, " is empty");
  }
  return texts;
}

size_t most_references(const Texts& texts) {
  size_t most = 0;
  for (const auto& references : texts.references) most = std::max(most, references.size());
  return most;
}

}  // namespace data::metrics
