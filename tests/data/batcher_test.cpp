#include "data/batcher.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "data/wordpiece_trainer.h"
#include "engine/base/error.h"

using namespace data;

namespace {

// Sequence i is i % 7 + 1 tokens, all of them i.
EncodedSplit numbered(int64_t n) {
  EncodedSplit split;
  for (int64_t i = 0; i < n; ++i) {
    const auto length = static_cast<size_t>(i % 7 + 1);
    split.add({.ids = std::vector<int32_t>(length, static_cast<int32_t>(i)),
               .types = std::vector<int32_t>(length, 0)},
              static_cast<double>(i % 2), i);
  }
  return split;
}

}  // namespace

TEST_CASE("an epoch has every example once, whole and with its label") {
  const EncodedSplit split = numbered(50);
  TrainBatches batches(split, 8, 42);
  CHECK(batches.batches_per_epoch() == 7);
  engine::TokenBatch batch;
  std::map<int64_t, int> seen;
  for (int b = 0; b < 7; ++b) {
    batches.next(batch);
    CHECK(batch.sequences() == (b < 6 ? 8 : 2));
    CHECK(batch.tokens() == batch.segments.rows());
    for (int s = 0; s < batch.sequences(); ++s) {
      const int64_t example = batch.examples[static_cast<size_t>(s)];
      ++seen[example];
      CHECK(batch.segments.length(s) == example % 7 + 1);
      CHECK(batch.labels[static_cast<size_t>(s)] == example % 2);
      for (int32_t r = batch.segments.begin(s);
           r < batch.segments.begin(s) + batch.segments.length(s); ++r)
        CHECK(batch.ids[static_cast<size_t>(r)] == example);
    }
  }
  CHECK(seen.size() == 50);
  CHECK(batches.epoch() == 1);
  CHECK(batches.batch_in_epoch() == 0);
}

TEST_CASE("a run that seeks goes on with the same batches") {
  const EncodedSplit split = numbered(23);
  TrainBatches straight(split, 4, 7), resumed(split, 4, 7);
  engine::TokenBatch a, b;
  for (int step = 0; step < 40; ++step) {
    resumed.seek(straight.epoch(), straight.batch_in_epoch());
    straight.next(a);
    resumed.next(b);
    CHECK(a.ids == b.ids);
    CHECK(a.examples == b.examples);
  }
  CHECK_THROWS_AS(resumed.seek(0, 6), engine::Error);
}

TEST_CASE("epochs and seeds have different orders, and each place gets every example alike often") {
  CHECK(shuffled(100, 1, 0) == shuffled(100, 1, 0));
  CHECK(shuffled(100, 1, 0) != shuffled(100, 1, 1));
  CHECK(shuffled(100, 1, 0) != shuffled(100, 2, 0));
  CHECK(shuffled(100, 1, 0) != shuffled(100, 0, 1));
  std::vector<std::vector<int>> counts(6, std::vector<int>(6));
  for (int64_t epoch = 0; epoch < 6000; ++epoch) {
    const auto order = shuffled(6, 3, epoch);
    for (size_t place = 0; place < 6; ++place) ++counts[place][static_cast<size_t>(order[place])];
  }
  for (const auto& row : counts)
    for (const int count : row)
      CHECK(std::abs(count - 1000) < 150);  // five standard deviations of 29
}

// From an independent script, tools/goldens/shuffle.py 10 42 0, which checks SplitMix64 against its
// published first output.
TEST_CASE("the order is this one on every machine") {
  CHECK(shuffled(10, 42, 0) == std::vector<int64_t>{1, 9, 7, 8, 6, 5, 0, 3, 4, 2});
}

TEST_CASE("evaluation in order and by length covers everything") {
  const EncodedSplit split = numbered(20);
  for (const auto order : {EvalBatches::Order::as_given, EvalBatches::Order::by_length}) {
    EvalBatches batches(split, 6, order);
    engine::TokenBatch batch;
    std::vector<int64_t> results(20, -1);
    std::vector<int32_t> lengths;
    int n = 0;
    while (batches.next(batch)) {
      ++n;
      for (int s = 0; s < batch.sequences(); ++s) {
        results[static_cast<size_t>(batch.examples[static_cast<size_t>(s)])] =
            batch.ids[static_cast<size_t>(batch.segments.begin(s))];
        lengths.push_back(batch.segments.length(s));
      }
    }
    CHECK(n == batches.batches());
    CHECK(batch.sequences() == 0);
    for (int64_t i = 0; i < 20; ++i) CHECK(results[static_cast<size_t>(i)] == i);
    if (order == EvalBatches::Order::by_length)
      CHECK(std::is_sorted(lengths.begin(), lengths.end()));
  }
}

TEST_CASE("encoding a split keeps lengths, types and what was cut") {
  const auto tokenizer = trained_wordpiece({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b"});
  const std::vector<Example> examples = {{.a = "a a", .b = "b", .label = 1, .id = 0},
                                         {.a = "a a a a a", .b = "b", .label = 0, .id = 1}};
  const EncodedSplit split = encode_split(*tokenizer, examples, true, 7);
  CHECK(split.size() == 2);
  CHECK(split.length(0) == 6);
  CHECK(split.longest() == 7);
  CHECK(split.truncated() == 1);
  const auto types = split.types(0);
  CHECK(std::vector<int>(types.begin(), types.end()) == std::vector<int>{0, 0, 0, 0, 1, 1});
  std::vector<Example> mixed = examples;
  mixed[1].label.reset();
  CHECK_THROWS_AS(encode_split(*tokenizer, mixed, true), engine::Error);
  CHECK_THROWS_AS(TrainBatches(EncodedSplit(), 4, 1), engine::Error);
  CHECK_THROWS_AS(encode_split(*tokenizer, examples, true, 2),
                  engine::Error);  // no room, found out on another thread

  std::vector<Example> many;
  for (int i = 0; i < 9000; ++i)
    many.push_back({.a = i % 3 ? "a b" : "b", .b = i % 2 ? "a" : "b b", .label = i % 7, .id = i});
  const EncodedSplit all = encode_split(*tokenizer, many, true);
  REQUIRE(all.size() == 9000);
  for (int i = 0; i < 9000; ++i) {
    const Encoding alone = tokenizer->encode_pair(many[size_t(i)].a, many[size_t(i)].b);
    REQUIRE(std::equal(alone.ids.begin(), alone.ids.end(), all.ids(i).begin(), all.ids(i).end()));
    REQUIRE(all.example_ids()[size_t(i)] == i);
    REQUIRE(all.labels()[size_t(i)] == i % 7);
  }
}
