#include <doctest/doctest.h>
#include <lzma.h>

#include "data/bpe_trainer.h"
#include "data/corpus.h"
#include "data/text_source.h"
#include "engine/base/error.h"
#include "tests/pretrain/toy.h"

namespace {

std::vector<std::string> lines(const std::filesystem::path& path) {
  data::TextSource source(path);
  std::vector<std::string> all;
  for (std::string line; source.line(line);) all.push_back(line);
  return all;
}

std::string xz(const std::string& text) {
  std::string out(text.size() + 1024, '\0');
  size_t used = 0;
  const lzma_ret result = lzma_easy_buffer_encode(
      1, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const uint8_t*>(text.data()), text.size(),
      reinterpret_cast<uint8_t*>(out.data()), &used, out.size());
  REQUIRE(result == LZMA_OK);
  out.resize(used);
  return out;
}

}  // namespace

TEST_CASE("text: lines of plain and of compressed files") {
  const testing::TempDir dir;
  testing::write_file(dir / "plain", "one\r\ntwo\n\nlast");
  CHECK(lines(dir / "plain") == std::vector<std::string>{"one", "two", "", "last"});
  testing::write_file(dir / "empty", "");
  CHECK(lines(dir / "empty").empty());

  std::string big;  // longer than the pieces in which it is read
  std::vector<std::string> expected;
  for (int i = 0; i < 60000; ++i) {
    expected.push_back("line " + std::to_string(i) + std::string(static_cast<size_t>(i % 40), 'x'));
    big += expected.back() + "\n";
  }
  testing::write_file(dir / "big", big);
  CHECK(lines(dir / "big") == expected);
  testing::write_file(dir / "big.xz", xz(big));
  CHECK(lines(dir / "big.xz") == expected);
  testing::write_file(dir / "two.xz",
                      xz("one\n") + xz("two\n"));  // xz files may follow one another
  CHECK(lines(dir / "two.xz") == std::vector<std::string>{"one", "two"});

  const std::string whole = xz(big);
  testing::write_file(dir / "short.xz", whole.substr(0, whole.size() / 2));
  CHECK_THROWS_WITH_AS(lines(dir / "short.xz"), doctest::Contains("cut short"), engine::Error);
  std::string bad = whole;
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 0x55);
  testing::write_file(dir / "bad.xz", bad);
  CHECK_THROWS_AS(lines(dir / "bad.xz"), engine::Error);
  CHECK_THROWS_WITH_AS(lines(dir / "absent"), doctest::Contains("absent"), engine::Error);
}

TEST_CASE("corpus cache: every token of every document, in order") {
  toy::Folder f;
  const auto done = data::write_corpus_cache({f.dir / "corpus.txt"}, *f.tokenizer, f.dir / "cache");
  const data::Corpus corpus(f.dir / "cache", *f.tokenizer);
  CHECK(corpus.documents() == 60);
  CHECK(done.documents == 60);
  CHECK(done.tokens == corpus.tokens());

  std::vector<int32_t> expected, ids;
  std::vector<int64_t> ends;
  for (const std::string& line : lines(f.dir / "corpus.txt")) {
    if (line.empty() && (ends.empty() || ends.back() != static_cast<int64_t>(expected.size())))
      ends.push_back(static_cast<int64_t>(expected.size()));
    f.tokenizer->tokenize(line, expected);
  }
  corpus.append(0, corpus.tokens(), ids);
  CHECK(ids == expected);
  REQUIRE(ends.size() == 60);
  for (int64_t d = 0; d < 60; ++d)
    CHECK(corpus.begin(d) + corpus.length(d) == ends[static_cast<size_t>(d)]);

  SUBCASE("the same bytes from an .xz, and with two files") {
    testing::write_file(f.dir / "corpus.txt.xz", xz(testing::read_file(f.dir / "corpus.txt")));
    data::write_corpus_cache({f.dir / "corpus.txt.xz"}, *f.tokenizer, f.dir / "cache2");
    const data::Corpus second(f.dir / "cache2", *f.tokenizer);
    std::vector<int32_t> again;
    second.append(0, second.tokens(), again);
    CHECK(again == expected);
    data::write_corpus_cache({f.dir / "corpus.txt", f.dir / "corpus.txt"}, *f.tokenizer,
                             f.dir / "cache3");
    CHECK(data::Corpus(f.dir / "cache3", *f.tokenizer).documents() == 120);
  }
  SUBCASE("with the ends of paragraphs, where a document has several") {
    const auto bytes = data::train_bpe({{"red", 3}}, {.vocab_size = 257});
    testing::write_file(f.dir / "lines.txt", "one\ntwo\n\nthree\n\n\nfour\nfive");
    data::write_corpus_cache({f.dir / "lines.txt"}, *bytes, f.dir / "lines", {},
                             data::Paragraphs::lines);
    const data::Corpus lined(f.dir / "lines", *bytes);
    CHECK(lined.paragraphs() == data::Paragraphs::lines);
    CHECK(corpus.paragraphs() == data::Paragraphs::run_on);
    std::vector<std::string> documents;
    for (int64_t d = 0; d < lined.documents(); ++d) {
      std::vector<int32_t> some;
      lined.append(lined.begin(d), lined.begin(d + 1), some);
      documents.push_back(bytes->decode(some));
    }
    CHECK(documents == std::vector<std::string>{"one\ntwo", "three", "four\nfive"});
  }
  SUBCASE("another tokenizer is refused") {
    const auto other = data::trained_wordpiece(toy::tokens(), {.lowercase = false});
    CHECK_THROWS_WITH_AS(data::Corpus(f.dir / "cache", *other),
                         doctest::Contains("another tokenizer"), engine::Error);
  }
  SUBCASE("a cut file is refused") {
    const std::string bytes = testing::read_file(f.dir / "cache");
    testing::write_file(f.dir / "cut", bytes.substr(0, bytes.size() - 8));
    CHECK_THROWS_WITH_AS(data::Corpus(f.dir / "cut", *f.tokenizer), doctest::Contains("bytes"),
                         engine::Error);
    testing::write_file(f.dir / "other", "hello");
    CHECK_THROWS_AS(data::Corpus(f.dir / "other", *f.tokenizer), engine::Error);
  }
  SUBCASE("stopped, or empty: no file is left") {
    CHECK_THROWS_AS(data::write_corpus_cache({f.dir / "corpus.txt"}, *f.tokenizer,
                                             f.dir / "stopped", [](const auto&) { return false; }),
                    engine::Error);
    testing::write_file(f.dir / "nothing.txt", "\n\n\n");
    CHECK_THROWS_WITH_AS(
        data::write_corpus_cache({f.dir / "nothing.txt"}, *f.tokenizer, f.dir / "stopped"),
        doctest::Contains("no text"), engine::Error);
    CHECK(!std::filesystem::exists(f.dir / "stopped"));
    for (const auto& entry : std::filesystem::directory_iterator(f.dir.path()))
      CHECK(entry.path().extension() != ".tmp");
  }
}
