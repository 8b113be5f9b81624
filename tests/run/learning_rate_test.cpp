// The rate of a run that is given none: the strategy's at BERT-base's size, more for smaller
// models.
#include "run/learning_rate.h"

#include <doctest/doctest.h>

namespace {

models::Facts sized(int layers, int64_t hidden) {
  models::Facts facts;
  facts.layers = layers;
  facts.hidden = hidden;
  return facts;
}

double rate(const char* spec, int layers, int64_t hidden) {
  return run::usual_learning_rate(*peft::make_strategy(spec), sized(layers, hidden));
}

}  // namespace

TEST_CASE("learning rates: the papers' at the size of their models, and of larger ones") {
  for (const char* spec : {"full", "lora", "bitfit", "adapter", "ia3", "prefix", "lora+bitfit"}) {
    CAPTURE(spec);
    const double own = peft::make_strategy(spec)->default_learning_rate();
    CHECK(rate(spec, 12, 768) == doctest::Approx(own));
    CHECK(rate(spec, 24, 1024) == doctest::Approx(own));
    CHECK(rate(spec, 32, 4096) == doctest::Approx(own));
    CHECK(rate(spec, 0, 0) == doctest::Approx(own));  // a family that does not say
  }
}

TEST_CASE("learning rates: the smaller the model, the more, and never without bound") {
  for (const char* spec : {"full", "lora", "bitfit"}) {
    CAPTURE(spec);
    double before = rate(spec, 12, 768);
    for (const auto& [layers, hidden] :
         std::vector<std::pair<int, int64_t>>{{6, 384}, {4, 312}, {2, 256}, {2, 128}}) {
      const double here = rate(spec, layers, hidden);
      CHECK(here > before);
      before = here;
    }
    CHECK(rate(spec, 1, 8) <= 10.001 * rate(spec, 12, 768));
  }
}

TEST_CASE("learning rates: one far from the usual is spoken of, with the usual one") {
  CHECK(run::about_learning_rate(5e-5, 2e-4).empty());
  CHECK(run::about_learning_rate(1e-3, 2e-4).empty());
  CHECK(run::about_learning_rate(1e-5, 5e-4).find("50 times less") != std::string::npos);
  CHECK(run::about_learning_rate(1e-5, 5e-4).find("0.0005") != std::string::npos);
  CHECK(run::about_learning_rate(1e-2, 5e-4).find("20 times more") != std::string::npos);
}
