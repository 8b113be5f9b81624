#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "data/masking.h"
#include "engine/base/error.h"
#include "tests/pretrain/toy.h"

namespace {

// `sequences` of [CLS] n words [SEP], of random length.
engine::TokenBatch make_batch(const data::Tokenizer& t, int sequences, uint64_t seed) {
  engine::TokenBatch batch;
  engine::Random random(seed);
  for (int s = 0; s < sequences; ++s) {
    const auto n = 1 + random.below(60);
    batch.ids.push_back(*t.special().cls);
    for (uint64_t i = 0; i < n; ++i)
      batch.ids.push_back(6 + static_cast<int32_t>(random.below(20)));
    batch.ids.push_back(*t.special().sep);
    batch.segments.add(static_cast<int32_t>(n) + 2);
  }
  batch.types.assign(batch.ids.size(), 0);
  return batch;
}

}  // namespace

TEST_CASE("masking: 15 % of the tokens; of these 80 % masked, 10 % random, 10 % as they were") {
  const auto t = toy::tokenizer();
  const data::Masking masking(*t, {});
  double candidates = 0, chosen = 0, masked = 0, kept = 0, other = 0, expected = 0;
  std::map<int32_t, int> replacements;
  for (uint64_t step = 0; step < 40; ++step) {
    const engine::TokenBatch before = make_batch(*t, 50, step);
    engine::TokenBatch batch = before;
    data::MaskedTokens m;
    masking.apply(batch, 3, step, m);
    REQUIRE(m.rows.size() == m.labels.size());
    CHECK(std::is_sorted(m.rows.begin(), m.rows.end()));
    CHECK(std::adjacent_find(m.rows.begin(), m.rows.end()) == m.rows.end());
    std::vector<bool> is_chosen(before.ids.size(), false);
    for (size_t i = 0; i < m.rows.size(); ++i) {
      const auto row = static_cast<size_t>(m.rows[i]);
      is_chosen[row] = true;
      CHECK(m.labels[i] == before.ids[row]);
      CHECK(before.ids[row] >= 6);  // special tokens are never chosen
      ++chosen;
      if (batch.ids[row] == *t->special().mask)
        ++masked;
      else if (batch.ids[row] == before.ids[row])
        ++kept;
      else {
        ++other;
        ++replacements[batch.ids[row]];
        CHECK(batch.ids[row] >= 6);
      }
    }
    for (size_t row = 0; row < before.ids.size(); ++row)
      if (!is_chosen[row]) CHECK(batch.ids[row] == before.ids[row]);
    for (int s = 0; s < before.sequences(); ++s) {
      const int n = before.segments.length(s) - 2;
      candidates += n;
      expected += std::max(1.0, 0.15 * n);  // about: sequences of fewer than 7 tokens have one
      const auto inside = std::count_if(m.rows.begin(), m.rows.end(), [&](int32_t r) {
        return r >= before.segments.begin(s) &&
               r < before.segments.begin(s) + before.segments.length(s);
      });
      CHECK(inside >= 1);
      CHECK(std::abs(static_cast<double>(inside) - 0.15 * n) <= 1);
    }
  }
  CHECK(chosen / expected == doctest::Approx(1).epsilon(0.02));
  CHECK(masked / chosen == doctest::Approx(0.8).epsilon(0.03));
  CHECK(kept / chosen ==
        doctest::Approx(0.1 + 0.1 / 20).epsilon(0.1));  // a random token may be the same one
  CHECK(other / chosen == doctest::Approx(0.1 - 0.1 / 20).epsilon(0.1));
  CHECK(replacements.size() >= 18);
}

TEST_CASE("masking: a function of seed, step and sequence") {
  const auto t = toy::tokenizer();
  const data::Masking masking(*t, {});
  const engine::TokenBatch before = make_batch(*t, 10, 1);
  const auto rows = [&](uint64_t seed, uint64_t step) {
    engine::TokenBatch batch = before;
    data::MaskedTokens m;
    masking.apply(batch, seed, step, m);
    return std::pair(m.rows, batch.ids);
  };
  CHECK(rows(1, 7) == rows(1, 7));
  CHECK(rows(1, 7) != rows(1, 8));
  CHECK(rows(1, 7) != rows(2, 7));
}

TEST_CASE("masking: whole words") {
  const auto t = toy::tokenizer();
  const data::Masking masking(*t, {.rate = 0.3, .whole_words = true});
  const auto id = [&](const char* token) { return *t->id(token); };
  engine::TokenBatch before;
  before.ids = {id("[CLS]"), id("cat"), id("##s"),  id("red"),  id("##ness"), id("##s"),
                id("the"),   id("dog"), id("runs"), id("##er"), id("[SEP]")};
  before.types.assign(before.ids.size(), 0);
  before.segments.add(static_cast<int32_t>(before.ids.size()));
  const std::vector<std::vector<int32_t>> words{{1, 2}, {3, 4, 5}, {6}, {7}, {8, 9}};
  double chosen = 0;
  for (uint64_t step = 0; step < 300; ++step) {
    engine::TokenBatch batch = before;
    data::MaskedTokens m;
    masking.apply(batch, 1, step, m);
    for (const auto& word : words) {
      const auto hit = std::count_if(word.begin(), word.end(), [&](int32_t r) {
        return std::binary_search(m.rows.begin(), m.rows.end(), r);
      });
      CHECK((hit == 0 || hit == static_cast<long>(word.size())));
    }
    chosen += static_cast<double>(m.rows.size());
  }
  CHECK(chosen / (300 * 9) == doctest::Approx(0.3).epsilon(0.15));
}

TEST_CASE("masking: nothing to mask, and what cannot be") {
  const auto t = toy::tokenizer();
  const data::Masking masking(*t, {});
  engine::TokenBatch batch;
  batch.ids = {2, 3};
  batch.types = {0, 0};
  batch.segments.add(2);
  data::MaskedTokens m;
  masking.apply(batch, 1, 1, m);
  CHECK(m.count() == 0);
  CHECK(batch.ids == std::vector<int32_t>{2, 3});
  CHECK_THROWS_AS(data::Masking(*t, {.rate = 0}), engine::Error);
  CHECK_THROWS_AS(data::Masking(*t, {.masked = 0.9, .random = 0.2}), engine::Error);
}
