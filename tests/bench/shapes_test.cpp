#include "bench/shapes.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/base/error.h"
#include "models/config.h"

TEST_CASE("the named shapes are the published ones") {
  struct Shape {
    const char* name;
    int layers, heads;
    int64_t hidden, ffn, embedding;
  };
  // google/bert_uncased_L-2_H-128_A-2, L-4_H-256_A-4; google/electra-small-discriminator;
  // all-MiniLM-L6; bert-base-uncased
  for (const Shape& s : {Shape{"tiny", 2, 2, 128, 512, 128},
                         {"mini", 4, 4, 256, 1024, 256},
                         {"electra-small", 12, 4, 256, 1024, 128},
                         {"minilm", 6, 12, 384, 1536, 384},
                         {"base", 12, 12, 768, 3072, 768}}) {
    CAPTURE(s.name);
    const models::Facts c = models::config_from_spec(bench::model_spec(s.name), 1).facts;
    CHECK(c.layers == s.layers);
    CHECK(c.heads == s.heads);
    CHECK(c.hidden == s.hidden);
    CHECK(c.ffn == s.ffn);
    CHECK(c.embedding == s.embedding);
    CHECK(c.vocab == 30522);
    CHECK(c.longest == 512);
  }
  CHECK(bench::model_names().size() == 5);
  CHECK(bench::model_spec("random:layers=1") == "random:layers=1");
}

TEST_CASE("lengths in turn, and drawn as in the tasks") {
  CHECK(bench::batch_lengths("128", 2, 2) == std::vector<std::vector<int>>{{128, 128}, {128, 128}});
  CHECK(bench::batch_lengths("5,9,2", 2, 2) == std::vector<std::vector<int>>{{5, 9}, {2, 5}});
  struct Task {
    const char* name;
    double mean;
    int longest;
  };
  for (const Task& task : {Task{"sst2", 13.319, 66}, {"cola", 11.327, 47}}) {
    const auto drawn = bench::batch_lengths(task.name, 20000, 1)[0];
    double sum = 0;
    for (const int length : drawn) sum += length;
    CHECK(sum / 20000 ==
          doctest::Approx(task.mean).epsilon(0.02));  // standard error: 0.07 and 0.03
    CHECK(*std::min_element(drawn.begin(), drawn.end()) >= 3);
    CHECK(*std::max_element(drawn.begin(), drawn.end()) <= task.longest);
    CHECK(bench::batch_lengths(task.name, 32, 2) == bench::batch_lengths(task.name, 32, 2));
    CHECK(bench::batch_lengths(task.name, 32, 1, 1) != bench::batch_lengths(task.name, 32, 1, 2));
  }
  for (const char* nonsense : {"", "0", "-3", "12,", "12 3", "mnli", "128x"})
    CHECK_THROWS_AS(bench::batch_lengths(nonsense, 1, 1), engine::Error);
}
