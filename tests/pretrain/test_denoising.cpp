#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "data/denoising.h"
#include "engine/base/error.h"
#include "engine/base/philox.h"
#include "tests/pretrain/toy.h"

namespace {

constexpr int32_t kStart = 3;

// [CLS] n ordinary words [SEP]; id 6 is "." in some, so that there are sentences.
engine::TokenBatch make_batch(const data::Tokenizer& t, int sequences, int words, uint64_t seed) {
  engine::TokenBatch batch;
  engine::Random random(seed);
  for (int s = 0; s < sequences; ++s) {
    batch.ids.push_back(*t.special().cls);
    for (int i = 0; i < words; ++i) batch.ids.push_back(6 + static_cast<int32_t>(random.below(20)));
    batch.ids.push_back(*t.special().sep);
    batch.segments.add(words + 2);
  }
  batch.types.assign(batch.ids.size(), 0);
  return batch;
}

std::vector<int32_t> sequence(const engine::Tokens& tokens, int s) {
  const auto begin = tokens.ids.begin() + tokens.segments.begin(s);
  return {begin, begin + tokens.segments.length(s)};
}

std::map<int32_t, int> counts(const std::vector<int32_t>& ids) {
  std::map<int32_t, int> out;
  for (const int32_t id : ids) ++out[id];
  return out;
}

}  // namespace

TEST_CASE("denoising: the decoder writes the text as it was") {
  const auto t = toy::tokenizer();
  const data::Denoising noise(*t, {.start = kStart});
  const engine::TokenBatch clean = make_batch(*t, 7, 21, 1);
  engine::TokenBatch batch = clean;
  noise.apply(batch, 5, 2);
  CHECK(batch.targets == clean.ids);
  REQUIRE(batch.output.sequences() == 7);
  REQUIRE(batch.sequences() == 7);
  for (int s = 0; s < 7; ++s) {
    std::vector<int32_t> wanted = sequence(clean, s);
    wanted.insert(wanted.begin(), kStart);
    wanted.pop_back();
    CHECK(sequence(batch.output, s) == wanted);
    const auto input = sequence(batch, s);
    CHECK(input.front() == *t->special().cls);
    CHECK(input.back() == *t->special().sep);
    // What stays of the words are some of them.
    auto left = counts(sequence(clean, s));
    for (const int32_t id : input)
      if (id != *t->special().mask) CHECK(--left[id] >= 0);
  }
  engine::TokenBatch again = clean;
  noise.apply(again, 5, 2);
  CHECK(again.ids == batch.ids);
  again = clean;
  noise.apply(again, 5, 3);
  CHECK(again.ids != batch.ids);
}

TEST_CASE("denoising: 30 % of the tokens are hidden, by spans of three in the mean") {
  const auto t = toy::tokenizer();
  const data::Denoising noise(*t, {.permute = false, .start = kStart});
  double words = 0, hidden = 0, masks = 0;
  for (uint64_t step = 0; step < 60; ++step) {
    engine::TokenBatch batch = make_batch(*t, 20, 100, step);
    noise.apply(batch, 3, step);
    for (int s = 0; s < 20; ++s) {
      const auto input = sequence(batch, s);
      const auto m = std::count(input.begin(), input.end(), *t->special().mask);
      words += 100;
      masks += static_cast<double>(m);
      hidden += static_cast<double>(102 + m) - static_cast<double>(input.size());
    }
  }
  CHECK(hidden / words == doctest::Approx(0.3).epsilon(0.01));
  // The last span of a text is cut to what is left, so the mean is a little lower.
  CHECK(hidden / masks > 2.6);
  CHECK(hidden / masks < 3.05);
}

TEST_CASE("denoising: without spans the sentences are what there was, in another order") {
  const auto t = toy::tokenizer();
  int32_t stop = -1;
  for (int32_t id = 0; id < t->vocab_size(); ++id)
    if (t->token(id) == ".") stop = id;
  REQUIRE(stop >= 0);
  const data::Denoising noise(*t, {.rate = 0, .start = kStart});
  engine::TokenBatch clean = make_batch(*t, 1, 40, 4);
  for (int i = 1; i < 41; ++i) {
    int32_t& id = clean.ids[static_cast<size_t>(i)];
    id = i % 8 == 0 ? stop : id == stop ? 7 : id;
  }
  engine::TokenBatch batch = clean;
  noise.apply(batch, 1, 1);
  const auto before = sequence(clean, 0), after = sequence(batch, 0);
  CHECK(before != after);
  const auto sentences = [&](const std::vector<int32_t>& ids) {
    std::vector<std::vector<int32_t>> out(1);
    for (size_t i = 1; i + 1 < ids.size(); ++i) {
      out.back().push_back(ids[i]);
      if (ids[i] == stop) out.emplace_back();
    }
    std::sort(out.begin(), out.end());
    return out;
  };
  CHECK(sentences(before) == sentences(after));
  const data::Denoising nothing(*t, {.rate = 0, .permute = false, .start = kStart});
  batch = clean;
  nothing.apply(batch, 1, 1);
  CHECK(batch.ids == clean.ids);
}

TEST_CASE("denoising: a source is never longer than its text") {
  const auto t = toy::tokenizer();
  const data::Denoising noise(*t, {.rate = 0.6, .span = 0.1, .start = kStart});
  for (uint64_t step = 0; step < 30; ++step) {
    const engine::TokenBatch clean = make_batch(*t, 10, 30, step);
    engine::TokenBatch batch = clean;
    noise.apply(batch, 1, step);
    for (int s = 0; s < 10; ++s) CHECK(batch.segments.length(s) <= clean.segments.length(s));
  }
}

TEST_CASE("denoising: numbers out of range are said") {
  const auto t = toy::tokenizer();
  CHECK_THROWS_AS(data::Denoising(*t, {.rate = 1}), engine::Error);
  CHECK_THROWS_AS(data::Denoising(*t, {.span = 0}), engine::Error);
  engine::TokenBatch batch = make_batch(*t, 1, 3, 1);
  batch.ids[2] = 9999;
  CHECK_THROWS_AS(data::Denoising(*t, {.start = kStart}).apply(batch, 1, 1), engine::Error);
}
