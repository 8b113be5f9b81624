#include "engine/optim/adamw.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/error.h"
#include "engine/optim/chunks.h"

namespace engine {
namespace {

// Both forms are  p = keep p - rate m / (sqrt(v) widen + eps);  p = p - after p  with numbers of
// one step.
struct Step {
  Scalar beta1, rest1, beta2, rest2;  // rest = 1 - beta
  Scalar scale, rate, widen, eps;
  Scalar keep, after;
};

// Moments below the normal numbers become zero. They would never leave: 0.9 of the smallest number
// rounds to itself, and arithmetic with such numbers is slow (2.5 times in the cache of a Zen 5);
// the rows of all words not seen for some 800 updates would have them.
inline Scalar flushed(Scalar x) {
  return std::abs(x) < std::numeric_limits<Scalar>::min() ? Scalar(0) : x;
}

// `grad` is not read if there is no gradient.
template <bool kGradient>
void update_chunk(const Step& s, int64_t n, Scalar* __restrict p, const Scalar* __restrict grad,
                  Scalar* __restrict m, Scalar* __restrict v) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const Scalar g = kGradient ? grad[i] * s.scale : Scalar(0);
    const Scalar mi = flushed(s.beta1 * m[i] + s.rest1 * g);
    const Scalar vi = flushed(s.beta2 * v[i] + s.rest2 * g * g);
    const Scalar moved = s.keep * p[i] - s.rate * mi / (std::sqrt(vi) * s.widen + s.eps);
    m[i] = mi;
    v[i] = vi;
    p[i] = moved - s.after * moved;
  }
}

// The same where g, m and v are zero.
void decay_chunk(const Step& s, int64_t n, Scalar* __restrict p) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const Scalar moved = s.keep * p[i];
    p[i] = moved - s.after * moved;
  }
}

// Row by row, so that every element is in the same place of the same loop whichever rows have a
// gradient. `moving`: the rows whose moments may be other than zero; m and v are the block's.
void update_table(const Step& s, const ParameterStore::Block& b,
                  const ParameterStore::Block::Table& table, Scalar* m, Scalar* v,
                  WrittenRows& moving) {
  const bool decays = s.keep != 1 || s.after != 0;
  // By whoever is free: of a vocabulary, which is ordered by frequency, the first rows are the
  // work.
  constexpr int64_t kGroups = 8;
  parallel_items((moving.groups() + kGroups - 1) / kGroups, [&](int64_t item, int) {
    for (int64_t g = item * kGroups; g < std::min(moving.groups(), (item + 1) * kGroups); ++g) {
      const uint64_t written = table.written->group(g), moves = moving.group(g) |= written;
      for (int64_t row = moving.first_of(g), bit = 0; row < moving.end_of(g); ++row, ++bit) {
        const int64_t at = table.begin + row * table.cols;
        if (written >> bit & 1)
          update_chunk<true>(s, table.cols, b.value + at, b.grad + at, m + at, v + at);
        else if (moves >> bit & 1)
          update_chunk<false>(s, table.cols, b.value + at, b.grad + at, m + at, v + at);
        else if (decays)
          decay_chunk(s, table.cols, b.value + at);
      }
    }
  });
}

}  // namespace

AdamW::AdamW(const ParameterStore::Block& block, const AdamWOptions& options)
    : Optimizer(block), options_(options), m_(moment(block.size)), v_(moment(block.size)) {
  const auto in_range = [](const char* option, double beta) {
    check(beta >= 0 && beta < 1, "adamw", option, " is ", beta,
          " and must be at least 0 and below 1");
  };
  in_range("beta1", options.beta1);
  in_range("beta2", options.beta2);
  check(options.eps > 0, "adamw", "eps is ", options.eps,
        " and must be above 0: a moment of 0 would divide by it");
  check(options.weight_decay >= 0, "adamw", "weight_decay is ", options.weight_decay,
        " and must not be negative");
  for (const auto& table : block.tables) moving_.emplace_back(table.rows);
  check(options.correct_bias || options.form == AdamWForm::hf, "adamw",
        "correct_bias = false belongs to the hf form",
        hint("torch's AdamW always corrects; choose AdamWForm::hf for BERT's original optimizer"));
}

Optimizer::State AdamW::state() {
  moments_known_ = false;  // what it gives out may be written to
  const auto n = static_cast<size_t>(block().size);
  return {{"exp_avg", {m_.get(), n}}, {"exp_avg_sq", {v_.get(), n}}};
}

void AdamW::find_moving() {
  for (size_t i = 0; i < moving_.size(); ++i) {
    const ParameterStore::Block::Table& table = block().tables[i];
    parallel_for(
        moving_[i].groups(), WrittenRows::kGroup * table.cols, [&](int64_t begin, int64_t end) {
          for (int64_t g = begin; g < end; ++g) {
            moving_[i].group(g) = 0;
            for (int64_t row = moving_[i].first_of(g); row < moving_[i].end_of(g); ++row) {
              const Scalar *m = m_.get() + table.begin + row * table.cols,
                           *v = v_.get() + table.begin + row * table.cols;
              const auto moves = [](Scalar x) { return x != 0; };
              if (std::any_of(m, m + table.cols, moves) || std::any_of(v, v + table.cols, moves))
                moving_[i].add(row);
            }
          }
        });
  }
  moments_known_ = true;
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

  if (!moments_known_) find_moving();
  const ParameterStore::Block& b = block();
  const auto range = [&](int64_t begin, int64_t end, double decay) {
    s.keep = static_cast<Scalar>(torch ? 1 - lr * decay : 1);
    s.after = static_cast<Scalar>(torch ? 0 : lr * decay);
    const auto stretch = [&](int64_t first, int64_t last) {
      for_chunks(first, last, [&](int64_t from, int64_t to) {
        update_chunk<true>(s, to - from, b.value + from, b.grad + from, m_.get() + from,
                           v_.get() + from);
      });
    };
    for_stretches(b, begin, end, stretch, [&](size_t i) {
      update_table(s, b, b.tables[i], m_.get(), v_.get(), moving_[i]);
    });
  };
  range(0, b.decayed, options_.weight_decay);
  range(b.decayed, b.size, 0);
}

}  // namespace engine
