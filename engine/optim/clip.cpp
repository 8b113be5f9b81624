#include "engine/optim/clip.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/optim/chunks.h"

namespace engine {
namespace {

// Sixteen running sums side by side, added up in one order: a vector loop with a result that does
// not depend on the width of the vectors.
double sum_of_squares(const Scalar* x, int64_t n) {
  constexpr int64_t kLanes = 16;
  std::array<double, kLanes> lanes{};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
#pragma omp simd
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<double>(x[i + lane]);
      lanes[static_cast<size_t>(lane)] += value * value;
    }
  for (int64_t lane = 0; i < n; ++i, ++lane)
    lanes[static_cast<size_t>(lane)] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

// The sum of fn(begin, end) over parts of [0, n). Their borders are a function of n alone: the
// number of threads decides who sums a part, never what is in it.
template <class F>
double sum_of_parts(int64_t n, int64_t least, int64_t cost, F&& fn) {
  constexpr int64_t kParts = 256;
  const int64_t length = std::max(least, (n + kParts - 1) / kParts);
  const int64_t parts = (n + length - 1) / length;
  std::array<double, kParts> sums{};
  parallel_for(parts, length * cost, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part)
      sums[static_cast<size_t>(part)] = fn(part * length, std::min(n, (part + 1) * length));
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

// Rows that no backward wrote are zero and are left out: the same bits as with them.
double sum_of_rows(const Scalar* grad, const ParameterStore::Block::Table& table) {
  const WrittenRows& rows = *table.written;
  const int64_t cost = rows.count() * table.cols / rows.groups();
  return sum_of_parts(rows.groups(), 1, cost, [&](int64_t begin, int64_t end) {
    double sum = 0;
    for (int64_t g = begin; g < end; ++g)
      for (uint64_t bits = rows.group(g); bits; bits &= bits - 1)
        sum += sum_of_squares(
            grad + table.begin + (rows.first_of(g) + std::countr_zero(bits)) * table.cols,
            table.cols);
    return sum;
  });
}

}  // namespace

double gradient_norm(const ParameterStore::Block& block) {
  DryRun::refuse("gradient_norm");
  double sum = 0;
  const auto stretch = [&](int64_t from, int64_t to) {
    sum += sum_of_parts(to - from, 4096, 1, [&](int64_t begin, int64_t end) {
      return sum_of_squares(block.grad + from + begin, end - begin);
    });
  };
  for_stretches(block, 0, block.size, stretch,
                [&](size_t i) { sum += sum_of_rows(block.grad, block.tables[i]); });
  return std::sqrt(sum);
}

bool Clip::finite() const { return std::isfinite(norm) && std::isfinite(scale); }

Clip clip_gradients(const ParameterStore::Block& block, double max_norm) {
  Clip clip;
  clip.norm = gradient_norm(block);
  const double wanted = max_norm / (clip.norm + 1e-6);
  if (max_norm > 0 && !(wanted >= 1)) clip.scale = wanted;  // NaN stays NaN, for finite() to tell
  return clip;
}

}  // namespace engine
