#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "data/packing.h"
#include "engine/base/error.h"
#include "tests/pretrain/toy.h"

TEST_CASE("permutation: every number once, another order with another key") {
  for (const int64_t n : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{7}, int64_t{64},
                          int64_t{1000}, int64_t{4097}}) {
    const data::Permutation p(n, 5), q(n, 6);
    std::set<int64_t> seen;
    int64_t same = 0;
    for (int64_t i = 0; i < n; ++i) {
      CHECK((p(i) >= 0 && p(i) < n));
      seen.insert(p(i));
      same += p(i) == q(i);
    }
    CHECK(static_cast<int64_t>(seen.size()) == n);
    if (n >= 64) CHECK(same < n / 8);
  }
}

TEST_CASE("packing: no token is lost, none is twice, sequences fit") {
  toy::Folder f(120);
  data::write_corpus_cache({f.dir / "corpus.txt"}, *f.tokenizer, f.dir / "cache");
  const data::Corpus corpus(f.dir / "cache", *f.tokenizer);
  using Part = data::PackedCorpus::Part;
  for (const int length : {8, 16, 64}) {
    const data::PackingOptions options{.max_length = length, .hold_out_every = 10};
    const data::PackedCorpus train(corpus, *f.tokenizer, Part::train, options),
        held(corpus, *f.tokenizer, Part::held_out, options);
    CHECK(train.tokens() + held.tokens() == corpus.tokens());
    const data::SpecialIds& special = f.tokenizer->special();

    // One epoch: the pieces' texts, put back into their places, are the corpus without the held-out
    // documents.
    std::vector<int32_t> all, found(static_cast<size_t>(corpus.tokens()), -1);
    corpus.append(0, corpus.tokens(), all);
    data::CorpusBatches batches(train);
    engine::TokenBatch batch;
    int pairs = 0, halves = 0;
    int64_t largest = 0, pieces = 0;
    while (pieces < train.pieces()) {
      batches.next(batch, 200);
      largest = std::max(largest, batch.tokens());
      REQUIRE(batch.types.size() == batch.ids.size());
      REQUIRE(static_cast<int>(batch.examples.size()) == batch.sequences());
      int64_t piece = -1, at = 0;
      for (int s = 0; s < batch.sequences(); ++s) {
        const int32_t begin = batch.segments.begin(s), n = batch.segments.length(s);
        CHECK(n <= length);
        CHECK(batch.ids[static_cast<size_t>(begin)] == *special.cls);
        CHECK(batch.ids[static_cast<size_t>(begin + n - 1)] == *special.sep);
        if (batch.examples[static_cast<size_t>(s)] != piece) {
          if (++pieces > train.pieces()) break;  // a batch may end with pieces of the next epoch
          piece = batch.examples[static_cast<size_t>(s)];
          at = train.range(piece).begin;
        } else {
          ++halves;
        }
        int separators = 0;
        for (int32_t row = begin; row < begin + n; ++row) {
          const int32_t id = batch.ids[static_cast<size_t>(row)];
          CHECK(batch.types[static_cast<size_t>(row)] ==
                (separators == 1 ? 1 : 0));  // B and its [SEP] have type 1
          if (id == *special.sep) ++separators;
          if (id == *special.sep || id == *special.cls) continue;
          REQUIRE(found[static_cast<size_t>(at)] == -1);
          found[static_cast<size_t>(at++)] = id;
        }
        pairs += separators == 2;
        if (s + 1 == batch.sequences() || batch.examples[static_cast<size_t>(s) + 1] != piece)
          CHECK(at == train.range(piece).end);
      }
    }
    for (int64_t d = 0; d < corpus.documents(); ++d)
      for (int64_t i = corpus.begin(d); i < corpus.begin(d + 1); ++i)
        CHECK(found[static_cast<size_t>(i)] == (d % 10 == 9 ? -1 : all[static_cast<size_t>(i)]));
    CHECK(largest <= 200);
    CHECK(pairs > 0);
    CHECK(halves > 0);
  }
}

TEST_CASE("packing for the next token: every token is a target once, behind the token before it") {
  toy::Folder f(120);
  data::write_corpus_cache({f.dir / "corpus.txt"}, *f.tokenizer, f.dir / "cache");
  const data::Corpus corpus(f.dir / "cache", *f.tokenizer);
  using Part = data::PackedCorpus::Part;
  const data::DocumentMarks marks = data::document_marks(*f.tokenizer);
  CHECK(marks.begin == *f.tokenizer->special().cls);
  CHECK(marks.end == *f.tokenizer->special().sep);
  for (const int length : {8, 16, 64}) {
    CAPTURE(length);
    const data::PackingOptions options{
        .max_length = length, .hold_out_every = 10, .form = data::PackingForm::next_token};
    const data::PackedCorpus train(corpus, *f.tokenizer, Part::train, options);
    std::vector<int32_t> all;
    corpus.append(0, corpus.tokens(), all);
    std::vector<std::vector<int32_t>> before(static_cast<size_t>(corpus.tokens()));
    int64_t ends = 0, begins = 0;
    for (int64_t piece = 0; piece < train.pieces(); ++piece) {
      engine::TokenBatch batch;
      train.append(piece, 0, batch);
      REQUIRE(batch.sequences() == 1);
      REQUIRE(batch.targets.size() == batch.ids.size());
      CHECK(batch.types.size() == batch.ids.size());
      CHECK(batch.tokens() <= length);
      CHECK(batch.tokens() == train.cost(piece, 0));
      for (size_t i = 0; i + 1 < batch.ids.size(); ++i) CHECK(batch.targets[i] == batch.ids[i + 1]);
      const auto range = train.range(piece);
      for (int64_t i = range.begin; i < range.end; ++i) {
        const auto at = static_cast<size_t>(i - range.begin);
        CHECK(batch.targets[at] == all[static_cast<size_t>(i)]);
        before[static_cast<size_t>(i)].push_back(batch.ids[at]);
      }
      begins += batch.ids.front() == marks.begin;
      ends += batch.targets.back() == marks.end;
    }
    int64_t documents = 0;
    for (int64_t d = 0; d < corpus.documents(); ++d) {
      const bool held_out = d % 10 == 9;
      documents += !held_out;
      for (int64_t i = corpus.begin(d); i < corpus.begin(d + 1); ++i) {
        const auto at = static_cast<size_t>(i);
        REQUIRE(before[at].size() == (held_out ? 0 : 1));
        if (!held_out) CHECK(before[at][0] == (i == corpus.begin(d) ? marks.begin : all[at - 1]));
      }
    }
    CHECK(begins == documents);
    CHECK(ends == documents);
  }
}

TEST_CASE("packing: an epoch's order is its own, and seeking goes on with the same batches") {
  toy::Folder f;
  data::write_corpus_cache({f.dir / "corpus.txt"}, *f.tokenizer, f.dir / "cache");
  const data::Corpus corpus(f.dir / "cache", *f.tokenizer);
  const data::PackedCorpus packed(corpus, *f.tokenizer, data::PackedCorpus::Part::train,
                                  {.max_length = 24, .hold_out_every = 0});
  data::CorpusBatches one(packed);
  engine::TokenBatch batch, again;
  std::vector<std::vector<int64_t>> order(2);
  int before = 0;
  while (one.epoch() < 2) {
    data::CorpusBatches two(packed);
    two.seek(one.epoch(), one.position());
    one.next(batch, 100);
    two.next(again, 100);
    CHECK(batch.ids == again.ids);
    CHECK(batch.types == again.types);
    CHECK(batch.segments.starts == again.segments.starts);
    CHECK(one.position() == two.position());
    if (before++ < 5)
      order[0].insert(order[0].end(), batch.examples.begin(), batch.examples.end());
    else if (one.epoch() == 1)
      order[1].insert(order[1].end(), batch.examples.begin(), batch.examples.end());
  }
  CHECK(order[0] != order[1]);
  CHECK_THROWS_AS(one.seek(0, packed.pieces()), engine::Error);
}

TEST_CASE("packing: what cannot be") {
  toy::Folder f(3);
  data::write_corpus_cache({f.dir / "corpus.txt"}, *f.tokenizer, f.dir / "cache");
  const data::Corpus corpus(f.dir / "cache", *f.tokenizer);
  using Part = data::PackedCorpus::Part;
  CHECK_THROWS_AS(data::PackedCorpus(corpus, *f.tokenizer, Part::train, {.max_length = 4}),
                  engine::Error);
  CHECK_THROWS_WITH_AS(
      data::PackedCorpus(corpus, *f.tokenizer, Part::held_out, {.hold_out_every = 200}),
      doctest::Contains("held out"), engine::Error);
  CHECK_THROWS_AS(
      data::PackedCorpus(corpus, *f.tokenizer, Part::train, {.pairs = 0.8, .halves = 0.8}),
      engine::Error);
}
