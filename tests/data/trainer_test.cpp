#include <doctest/doctest.h>

#include <algorithm>

#include "data/bpe_trainer.h"
#include "data/wordpiece_trainer.h"
#include "engine/base/error.h"
#include "engine/base/philox.h"
#include "tests/support/paths.h"

using namespace data;
using Tokens = std::vector<std::string>;

namespace {

WordPieceTraining no_special(int32_t size, int64_t min_frequency) {
  WordPieceTraining training;
  training.vocab_size = size;
  training.min_frequency = min_frequency;
  training.special.clear();
  return training;
}

Tokens after_alphabet(const Tokens& all, size_t characters) {
  return {all.begin() + static_cast<std::ptrdiff_t>(characters), all.end()};
}

}  // namespace

TEST_CASE("WordPiece merges by frequency, worked by hand") {
  // aab 5 times, ab 3 times: a ##a ##b and a ##b. Alphabet: a, b, ##a, ##b with ids 0 1 2 3.
  // Pairs: (a, ##a) 5, (##a, ##b) 5, (a, ##b) 3. Tie at 5: (0, 2) before (2, 3): "aa". Now aa ##b
  // 5: "aab". Then "ab" 3.
  const WordCounts counts = {{"aab", 5}, {"ab", 3}};
  CHECK(train_wordpiece(counts, no_special(100, 1)) ==
        Tokens{"a", "b", "##a", "##b", "aa", "aab", "ab"});
  CHECK(train_wordpiece(counts, no_special(100, 4)) == Tokens{"a", "b", "##a", "##b", "aa", "aab"});
  CHECK(train_wordpiece(counts, no_special(5, 1)) == Tokens{"a", "b", "##a", "##b", "aa"});
}

TEST_CASE("repeated symbols in a word are counted and joined from the left") {
  // aaaa: a ##a ##a ##a. (a, ##a) 1, (##a, ##a) 2: first "##aa", leaving a ##aa ##a with 1 each;
  // ids a 0, ##a 1, ##aa 2: (0, 2) before (2, 1): "aaa", then "aaaa".
  CHECK(train_wordpiece({{"aaaa", 1}}, no_special(100, 1)) ==
        Tokens{"a", "##a", "##aa", "aaa", "aaaa"});
}

// Hugging Face's own test of its trainer (models/bpe/trainer.rs, test_train): the merges it expects
// are re, are, is.
TEST_CASE("the example of Hugging Face's BpeTrainer") {
  const WordCounts counts = {{"roses", 1}, {"are", 2},  {"red", 1},  {"voilets", 1},
                             {"blue", 1},  {"BERT", 1}, {"is", 2},   {"big", 1},
                             {"and", 1},   {"so", 1},   {"GPT-2", 1}};
  WordPieceTraining training = no_special(100, 2);
  training.continuation = "";  // then it is plain BPE
  const Tokens all = train_wordpiece(counts, training);
  CHECK(Tokens(all.begin(), all.begin() + 22) == Tokens{"-", "2", "B", "E", "G", "P", "R", "T",
                                                        "a", "b", "d", "e", "g", "i", "l", "n",
                                                        "o", "r", "s", "t", "u", "v"});
  CHECK(after_alphabet(all, 22) == Tokens{"re", "are", "is"});
}

TEST_CASE("the alphabet keeps the most frequent characters") {
  WordPieceTraining training = no_special(100, 100);
  training.limit_alphabet = 2;
  CHECK(train_wordpiece({{"ab", 5}, {"ac", 1}}, training) == Tokens{"a", "b", "##b"});
  training.vocab_size = 2;
  CHECK_THROWS_WITH_AS(train_wordpiece({{"ab", 5}}, training), doctest::Contains("no room for 3"),
                       engine::Error);
  CHECK_THROWS_AS(train_wordpiece({}, training), engine::Error);
}

TEST_CASE("words are counted as BERT cuts them, most frequent first") {
  WordCounter counter = bert_word_counter({});
  counter.add("The th\u00E9! the, X");
  counter.add("x");
  CHECK(counter.counts() == WordCounts{{"the", 3}, {"x", 2}, {"!", 1}, {",", 1}});
  CHECK(counter.words() == 7);
}

TEST_CASE("counting is bounded: rare words are dropped first") {
  WordCounter counter([](std::string_view line, const auto& word) { word(line); }, 10);
  for (int i = 0; i < 8; ++i) counter.add("often");
  for (int i = 0; i < 100; ++i) counter.add("once" + std::to_string(i));
  CHECK(counter.different() <= 20);
  CHECK(counter.dropped() > 0);
  CHECK(counter.counts().front() == std::pair<std::string, int64_t>("often", 8));
}

TEST_CASE("a trained WordPiece tokenizer works and loads again") {
  WordCounter counter = bert_word_counter({});
  for (int i = 0; i < 3; ++i) counter.add("the theme of the thermometer, unaffable");
  WordPieceTraining training;
  training.vocab_size = 60;
  const auto tokenizer = trained_wordpiece(train_wordpiece(counter.counts(), training), {});
  CHECK(tokenizer->token(1) == "[UNK]");
  CHECK(tokenizer->id("the").has_value());
  testing::TempDir folder;
  tokenizer->save(folder.path());
  CHECK(load_tokenizer(folder.path())->encode("the theme").ids ==
        tokenizer->encode("the theme").ids);
}

TEST_CASE("byte-level BPE is learned, for any bytes") {
  WordCounter counter = gpt2_word_counter(false);
  for (int i = 0; i < 3; ++i) counter.add("low lower lowest \u00E9\u00E9 low");
  for (const bool roberta : {false, true}) {
    BpeTraining training;
    training.vocab_size = 280;
    training.roberta = roberta;
    const auto t = train_bpe(counter.counts(), training);
    // lo and ow come 12 times each: l has the smaller id.
    CHECK(t->files().bytes("merges.txt").starts_with("#version: 0.2\nl o\n"));
    CHECK(t->decode(t->encode("lower \u00E9 \U0001F600\tnew").ids) ==
          "lower \u00E9 \U0001F600\tnew");
    testing::TempDir folder;
    t->save(folder.path());
    CHECK(load_tokenizer(folder.path())->encode_pair("lower", "low").ids ==
          t->encode_pair("lower", "low").ids);
  }
  BpeTraining small;
  small.vocab_size = 100;
  CHECK_THROWS_AS(train_bpe(counter.counts(), small), engine::Error);
}

TEST_CASE("a word without an end takes linear time") {
  WordCounter counter = gpt2_word_counter(false);
  std::string word;
  engine::Random random(1);
  for (int i = 0; i < 2'000'000; ++i) word += static_cast<char>('a' + random.below(4));
  counter.add(word);
  CHECK(counter.words() == 2000);
  CHECK(train_bpe(counter.counts(), {.vocab_size = 400})->vocab_size() == 400);
  WordCounter letters = bert_word_counter({});
  std::string e;
  for (int i = 0; i < 2000; ++i) e += "\u00E9";  // not cut inside a character
  letters.add("x" + e);
  for (const auto& [piece, count] : letters.counts())
    CHECK(piece.size() <= WordCounter::kLongestWord);
}
