// The file: 4096 bytes {"peftcorp" magic, 8 bytes of version, JSON padded with zeros}, ids, padding
// to 8 bytes, index.
#include <omp.h>

#include <algorithm>

#include "data/corpus.h"
#include "data/corpus_format.h"
#include "data/text_source.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"

namespace data {

using engine::check;

namespace {

struct CacheWriter {
  const Tokenizer& tokenizer;
  engine::AtomicFile& file;
  bool wide, lines;
  CorpusProgress done;
  std::vector<uint64_t> index{0};
  std::vector<std::string> paragraphs;  // in waiting; an empty one ends a document
  size_t waiting = 0;
  std::vector<std::vector<int32_t>> ids;
  std::vector<uint16_t> narrow;
  bool in_document = false;

  void add(const std::string& line) {
    if (waiting == paragraphs.size()) paragraphs.emplace_back();
    paragraphs[waiting].assign(lines && in_document && !line.empty() ? "\n" : "");
    paragraphs[waiting++] += line;
    done.paragraphs += !line.empty();
    in_document = !line.empty();
  }
  void end_document() {
    if (static_cast<uint64_t>(done.tokens) == index.back()) return;  // nothing in it
    index.push_back(static_cast<uint64_t>(done.tokens));
    ++done.documents;
  }
  void flush() {
    if (ids.size() < waiting) ids.resize(waiting);
    const auto n = static_cast<int64_t>(waiting);
#pragma omp parallel for schedule(dynamic, 16)
    for (int64_t i = 0; i < n; ++i) {
      ids[static_cast<size_t>(i)].clear();
      tokenizer.tokenize(paragraphs[static_cast<size_t>(i)], ids[static_cast<size_t>(i)]);
    }
    for (size_t i = 0; i < waiting; ++i) {
      if (paragraphs[i].empty()) end_document();
      write(ids[i]);
    }
    waiting = 0;
  }
  void write(const std::vector<int32_t>& tokens) {
    done.tokens += static_cast<int64_t>(tokens.size());
    if (wide) {
      file.write(tokens.data(), tokens.size() * sizeof(int32_t));
    } else {
      narrow.assign(tokens.begin(), tokens.end());
      file.write(narrow.data(), narrow.size() * sizeof(uint16_t));
    }
  }
};

}  // namespace

CorpusProgress write_corpus_cache(const std::vector<std::filesystem::path>& texts,
                                  const Tokenizer& tokenizer, const std::filesystem::path& cache,
                                  const std::function<bool(const CorpusProgress&)>& report,
                                  Paragraphs paragraphs) {
  constexpr size_t kFlush = 4096;  // paragraphs tokenised at once
  engine::AtomicFile file(cache);
  const std::vector<char> page(kCorpusPage, '\0');
  file.write(page.data(), page.size());
  const bool lines = paragraphs == Paragraphs::lines;
  CacheWriter writer{
      .tokenizer = tokenizer, .file = file, .wide = tokenizer.vocab_size() > 65536, .lines = lines};
  nlohmann::ordered_json sources = nlohmann::ordered_json::array();
  int64_t before = 0;
  std::string line;
  const auto flush = [&] {
    writer.flush();
    check(!report || report(writer.done), "corpus", "stopped while reading the text");
  };
  for (const auto& path : texts) {
    TextSource text(path);
    while (text.line(line)) {
      writer.add(line);
      writer.done.bytes_read = before + text.bytes_read();
      if (writer.waiting == kFlush) flush();
    }
    writer.add("");  // a file ends a document
    before += text.bytes_read();
    sources.push_back(
        {{"name", path == "-" ? "-" : path.filename().string()}, {"bytes", text.bytes_read()}});
  }
  flush();
  const CorpusProgress& done = writer.done;
  check(
      done.tokens > 0, "corpus", "there is no text in the corpus",
      engine::hint("plain text is expected: a paragraph a line, an empty line between documents"));
  const int64_t ids_bytes = done.tokens * (writer.wide ? 4 : 2);
  file.write(page.data(), static_cast<size_t>(padded(ids_bytes) - ids_bytes));
  file.write(writer.index.data(), writer.index.size() * sizeof(uint64_t));

  const nlohmann::ordered_json description = {
      {"documents", done.documents}, {"paragraphs", done.paragraphs},
      {"tokens", done.tokens},       {"bytes_per_id", writer.wide ? 4 : 2},
      {"paragraph_ends", lines},     {"tokenizer", tokenizer.describe()},
      {"sources", sources}};
  const std::string json = description.dump();
  check(json.size() + kCorpusHeader < kCorpusPage, "corpus", "too many source files for one cache",
        engine::hint("join them: cat FILES | pretrain --corpus -"));
  file.rewind();
  file.write(kCorpusMagic, sizeof kCorpusMagic);
  file.write(json.data(), json.size());
  file.commit();
  return done;
}

}  // namespace data
