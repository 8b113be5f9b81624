// The cache of a tokenised corpus.
#include "data/corpus.h"

#include "tests/fuzz/fuzz.h"

static const data::Tokenizer& small() {
  static const data::Tokenizer one = [] {
    data::TokenizerFiles files("small");
    files.add("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ntea\n");
    return data::Tokenizer(std::move(files));
  }();
  return one;
}

FUZZ(input) {
  // Fuzzers shun long headers: the page is filled up here, and the rest follows a zero byte.
  const auto [page, rest] = fuzz::halves(input);
  std::string bytes(page.substr(0, 4096));
  bytes.resize(4096);
  bytes += rest;
  const data::Corpus corpus(fuzz::folder().write("cache", bytes), small());
  std::vector<int32_t> ids;
  for (int64_t d = 0; d < corpus.documents(); ++d)
    corpus.append(corpus.begin(d), corpus.begin(d) + corpus.length(d), ids);
}
