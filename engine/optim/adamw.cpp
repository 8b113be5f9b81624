#include "engine/optim/adamw.h"

#include <cmath>

#include "engine/base/error.h"
#include "engine/optim/chunks.h"

namespace engine {
namespace {

// Both forms are  p = keep p - rate m / (sqrt(v) widen + eps);  p = p - after p  with numbers of one step.
struct Step {
  Scalar beta1, rest1, beta2, rest2;  // rest = 1 - beta
  Scalar scale, rate, widen, eps;
  Scalar keep, after;
};

void update_chunk(const Step& s, int64_t n, Scalar* __restrict p, const Scalar* __restrict grad, Scalar* __restrict m,
                  Scalar* __restrict v) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const Scalar g = grad[i] * s.scale;
    const Scalar mi = s.beta1 * m[i] + s.rest1 * g;
    const Scalar vi = s.beta2 * v[i] + s.rest2 * g * g;
    const Scalar moved = s.keep * p[i] - s.rate * mi / (std::sqrt(vi) * s.widen + s.eps);
    m[i] = mi;
    v[i] = vi;
    p[i] = moved - s.after * moved;
  }
}

}  // namespace

AdamW::AdamW(const ParameterStore::Block& block, const AdamWOptions& options)
    : Optimizer(block), options_(options), m_(moment(block.size)), v_(moment(block.size)) {
  const auto in_range = [](const char* option, double beta) {
    check(beta >= 0 && beta < 1, "adamw", option, " is ", beta, " and must be at least 0 and below 1");
  };
  in_range("beta1", options.beta1);
  in_range("beta2", options.beta2);
  check(options.eps > 0, "adamw", "eps is ", options.eps, " and must be above 0: a moment of 0 would divide by it");
  check(options.weight_decay >= 0, "adamw", "weight_decay is ", options.weight_decay, " and must not be negative");
  check(options.correct_bias || options.form == AdamWForm::hf, "adamw", "correct_bias = false belongs to the hf form",
        hint("torch's AdamW always corrects; choose AdamWForm::hf for BERT's original optimizer"));
}

Optimizer::State AdamW::state() {
  const auto n = static_cast<size_t>(block().size);
  return {{"exp_avg", {m_.get(), n}}, {"exp_avg_sq", {v_.get(), n}}};
}

void AdamW::update(int64_t step, double lr, double grad_scale) {
  const bool torch = options_.form == AdamWForm::torch;
  const double t = static_cast<double>(step);
  const double correction1 = options_.correct_bias ? 1 - std::pow(options_.beta1, t) : 1;
  const double correction2 = options_.correct_bias ? std::sqrt(1 - std::pow(options_.beta2, t)) : 1;
  Step s;
  s.beta1 = static_cast<Scalar>(options_.beta1);
  s.rest1 = static_cast<Scalar>(1 - options_.beta1);
  s.beta2 = static_cast<Scalar>(options_.beta2);
  s.rest2 = static_cast<Scalar>(1 - options_.beta2);
  s.scale = static_cast<Scalar>(grad_scale);
  s.rate = static_cast<Scalar>(torch ? lr / correction1 : lr * correction2 / correction1);
  s.widen = static_cast<Scalar>(torch ? 1 / correction2 : 1);
  s.eps = static_cast<Scalar>(options_.eps);

  const ParameterStore::Block& b = block();
  const auto range = [&](int64_t begin, int64_t end, double decay) {
    s.keep = static_cast<Scalar>(torch ? 1 - lr * decay : 1);
    s.after = static_cast<Scalar>(torch ? 0 : lr * decay);
    for_chunks(begin, end, [&](int64_t from, int64_t to) {
      update_chunk(s, to - from, b.value + from, b.grad + from, m_.get() + from, v_.get() + from);
    });
  };
  range(0, b.decayed, options_.weight_decay);
  range(b.decayed, b.size, 0);
}

}  // namespace engine
