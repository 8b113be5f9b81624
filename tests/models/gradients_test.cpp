// The gradients of full fine-tuning, against PyTorch's.
#include "tests/models/subject.h"

using namespace testing;

namespace {

// Gradients here are of size 1 in norm and the smallest matter too: relative to the parameter's
// largest, and for parameters whose gradient is zero (the key's bias) to the whole.
double gradient_distance(const Matrix& g, const Json& wanted, double whole) {
  double largest = 1e-3 * whole, worst = 0;
  for (const Json& x : wanted) largest = std::max(largest, std::abs(x.get<double>()));
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double d = std::abs(g.data()[i] - wanted[i].get<double>()) / largest;
    worst = std::isnan(d) ? d : std::max(worst, d);
  }
  return worst;
}

void check_dims(const engine::Parameter& p, const Json& shape) {
  CHECK(p.dims == shape.get<std::vector<int64_t>>());
}

}  // namespace

TEST_CASE("gradients of every parameter are the goldens'") {
  for (const std::string name : {"bert", "roberta", "electra", "distilbert", "bert-regression"}) {
    Worst worst("gradients " + name);
    Subject subject(name);
    const Json golden = golden_json(name, "gradients.json");
    const double whole = golden["grad_norm"].get<double>();
    const double loss = subject.backward(golden_batches(name)[0]);
    CHECK(distance(loss, golden["loss"].get<double>()) < kClose);
    CHECK(distance(engine::gradient_norm(subject.store->block()) / whole, 1) < kClose);
    CHECK(golden["parameters"].size() == subject.store->all().size());
    for (const auto& [parameter, wanted] : golden["parameters"].items()) {
      CAPTURE(name);
      const auto& this_parameter = parameter;
      CAPTURE(this_parameter);
      check_dims(subject.at(parameter), wanted["shape"]);
      const Matrix mine = subject.gradient(parameter);
      double d;
      if (wanted.contains("values")) {
        REQUIRE(static_cast<int64_t>(wanted["values"].size()) == mine.size());
        d = gradient_distance(mine, wanted["values"], whole);
      } else {
        double norm = 0, sum = 0, dot = 0;
        for (int64_t i = 0; i < mine.size(); ++i) {
          const double x = mine.data()[i];
          norm += x * x;
          sum += x;
          dot += x * std::cos(static_cast<double>(i));
        }
        norm = std::sqrt(norm);
        // A sum of n numbers is as exact as the numbers' norm times sqrt(n).
        const double size = std::max(wanted["norm"].get<double>(), 1e-3 * whole),
                     root = std::sqrt(static_cast<double>(mine.size()));
        d = std::max({std::abs(norm - wanted["norm"].get<double>()) / size,
                      std::abs(sum - wanted["sum"].get<double>()) / (size * root),
                      std::abs(dot - wanted["dot_cos"].get<double>()) / (size * root),
                      gradient_distance(mine, wanted["first"], whole)});
      }
      worst.take(d);
      CHECK(d < (kDouble ? 3e-8 : 2e-5));  // the goldens have 9 digits
    }
  }
}

TEST_CASE("gradients do not depend on which others are wanted") {
  // The same bits with every parameter trainable and with only some: the need rule only leaves
  // things out.
  for (const auto& name : kModels) {
    const auto batch = golden_batches(name)[0];
    Subject full(name);
    full.backward(batch);
    for (const std::string spec :
         {"frozen", "top:layers=1", "bitfit", "bitfit:terms=query+ffn_in"}) {
      CAPTURE(name);
      CAPTURE(spec);
      Subject some(name, spec);
      some.backward(batch);
      for (const engine::Parameter* p : some.store->trainable())
        CHECK_MESSAGE(same_bits(some.gradient(p->name), full.gradient(p->name)), p->name);
    }
  }
}
