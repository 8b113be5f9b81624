#include "engine/ops/loss.h"
#include "tests/engine/ops/catalogue_parts.h"
#include "tests/engine/ops/naive.h"

namespace catalogue {

using namespace engine;

void add_cross_entropy(Cases& out, int64_t n, int64_t classes, double smoothing) {
  OpCase c;
  c.name = concat("cross_entropy ", n, " x ", classes, smoothing > 0 ? ", label smoothing" : "");
  c.shapes = {{n, classes}};
  auto labels = std::make_shared<std::vector<double>>();
  for (int64_t i = 0; i < n; ++i) labels->push_back(double((i * 7 + 2) % classes));
  c.call = [=](Graph& g, In t) { return cross_entropy(g, t[0], labels->data(), smoothing); };
  c.twin = [=](Graph& g, In t) { return naive::cross_entropy(g, t[0], *labels, smoothing); };
  c.cost = [=](Mask) { return keeps(n * classes); };  // probabilities
  out.push_back(c);
}

namespace {

void add_weighted_cross_entropy(Cases& out, int64_t n, int64_t classes, double smoothing) {
  OpCase c;
  c.name = concat("weighted_cross_entropy ", n, " x ", classes,
                  smoothing > 0 ? ", label smoothing" : "");
  c.shapes = {{n, classes}};
  auto labels = std::make_shared<std::vector<double>>();
  auto weights = std::make_shared<std::vector<double>>();
  for (int64_t i = 0; i < n; ++i) labels->push_back(double((i * 7 + 2) % classes));
  for (int64_t i = 0; i < classes; ++i) weights->push_back(0.5 + 0.25 * double(i % 5));
  c.call = [=](Graph& g, In t) {
    return weighted_cross_entropy(g, t[0], labels->data(), *weights, smoothing);
  };
  c.cost = [=](Mask) { return keeps(n * classes); };
  out.push_back(c);
}

void add_binary_cross_entropy(Cases& out, int64_t n, int64_t classes) {
  OpCase c;
  c.name = concat("binary_cross_entropy ", n, " x ", classes);
  c.shapes = {{n, classes}};
  auto targets = std::make_shared<std::vector<double>>();
  for (int64_t i = 0; i < n * classes; ++i)
    targets->push_back(i % 3 == 0 ? 1 : i % 7 == 0 ? 0.25 : 0);
  c.call = [=](Graph& g, In t) { return binary_cross_entropy(g, t[0], targets->data()); };
  c.cost = [=](Mask) { return keeps(n * classes); };
  out.push_back(c);
}

void add_mse(Cases& out, int64_t n) {
  OpCase c;
  c.name = concat("mse ", n);
  c.shapes = {{n, 1}};
  auto targets = std::make_shared<std::vector<double>>();
  for (int64_t i = 0; i < n; ++i) targets->push_back(0.25 * double(i % 9) - 1);
  c.call = [=](Graph& g, In t) { return mse(g, t[0], targets->data()); };
  c.cost = [=](Mask) { return keeps(n); };
  out.push_back(c);
}

}  // namespace

void add_small_loss_cases(Cases& out) {
  for (const double smoothing : {0.0, 0.1}) {
    add_cross_entropy(out, 1, 2, smoothing);
    add_cross_entropy(out, 5, 3, smoothing);
    add_cross_entropy(out, 3, 17, smoothing);
  }
  add_cross_entropy(out, 3, 1, 0.1);
  for (const double smoothing : {0.0, 0.1}) {
    add_weighted_cross_entropy(out, 1, 2, smoothing);
    add_weighted_cross_entropy(out, 5, 3, smoothing);
  }
  add_binary_cross_entropy(out, 1, 1);
  add_binary_cross_entropy(out, 3, 5);
  add_mse(out, 1);
  add_mse(out, 17);
}

void add_large_loss_cases(Cases& out) { add_cross_entropy(out, 257, 129, 0.1); }

}  // namespace catalogue
