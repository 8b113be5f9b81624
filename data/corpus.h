// Plain text for pretraining: tokenised once into a cache file, read from there by memory map in
// any order.
//
//   text:  a paragraph a line, an empty line between documents (what wikiextractor and its like
//          write)
//   cache: one page of JSON, the ids of all documents under one another (16 bits when the
//          vocabulary fits), an index
//
// Memory is bounded whatever the corpus' size: writing holds a few thousand paragraphs, reading
// holds the index (8 bytes a document) and the pages that the system caches. The cache knows its
// tokenizer and its sources and refuses others.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/tokenizer.h"
#include "engine/base/mapping.h"

namespace data {

struct CorpusProgress {
  int64_t bytes_read = 0, documents = 0, paragraphs = 0, tokens = 0;
};

// What stands between the paragraphs of a document: nothing, or the line's end that a causal model
// has to write itself.
enum class Paragraphs { run_on, lines };

// Reads the texts ("-": standard input; .xz is unpacked) and writes the cache, atomically.
// Paragraphs are tokenised by all threads, in an order that does not depend on them. `report` is
// called now and then; returning false stops with an engine::Error and leaves no file. Throws if
// there is no token at all.
CorpusProgress write_corpus_cache(const std::vector<std::filesystem::path>& texts,
                                  const Tokenizer& tokenizer, const std::filesystem::path& cache,
                                  const std::function<bool(const CorpusProgress&)>& report = {},
                                  Paragraphs paragraphs = Paragraphs::run_on);

class Corpus {
 public:
  // Throws if the file is not a cache, is cut short or damaged, or was made with another tokenizer.
  Corpus(const std::filesystem::path& cache, const Tokenizer& tokenizer);

  int64_t documents() const { return documents_; }
  Paragraphs paragraphs() const;
  int64_t tokens() const { return static_cast<int64_t>(index_[static_cast<size_t>(documents_)]); }
  int64_t begin(int64_t document) const {
    return static_cast<int64_t>(index_[static_cast<size_t>(document)]);
  }
  int64_t length(int64_t document) const { return begin(document + 1) - begin(document); }
  // Appends the ids of tokens [begin, end) of the whole corpus. Throws for one that is not in the
  // vocabulary.
  void append(int64_t begin, int64_t end, std::vector<int32_t>& ids) const;
  const nlohmann::ordered_json& description() const { return description_; }

 private:
  engine::Mapping file_;
  int32_t vocabulary_ = 0;  // tokens
  int64_t documents_ = 0;
  int width_ = 2;  // bytes of an id
  const std::byte* ids_ = nullptr;
  std::vector<uint64_t> index_;  // (documents + 1), a copy: a place that was checked stays so
  nlohmann::ordered_json description_;
};

}  // namespace data
