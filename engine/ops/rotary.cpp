// By row and head, with h = r / 2, c and s the cosines and sines of the row's position:
//   y[j] = x[j] c[j] - x[j + h] s[j],   y[j + h] = x[j + h] c[j] + x[j] s[j],   j < h
// A rotation is orthogonal (times the scale), so its derivative is the rotation by -angle:
//   dx[j] = dy[j] c[j] + dy[j + h] s[j],   dx[j + h] = dy[j + h] c[j] - dy[j] s[j]
// Saves the table, once a step for all layers. Cost: one pass.
#include "engine/ops/rotary.h"

#include <cmath>

#include "engine/tensor/parallel.h"

namespace engine {
namespace {

struct Rotation {
  int64_t heads, width, half;

  // y = beta y + x rotated by one row's angles, or by their negatives where `sign` is -1. y may be
  // x when beta is 0.
  void row(const Scalar* x, Scalar* y, const Scalar* cosines, Scalar sign, Scalar beta) const {
    const Scalar* sines = cosines + half;
    for (int64_t head = 0; head < heads; ++head, x += width, y += width) {
#pragma omp simd
      for (int64_t j = 0; j < half; ++j) {
        const Scalar c = cosines[j], s = sign * sines[j], a = x[j], b = x[j + half];
        y[j] = a * c - b * s + (beta == 0 ? 0 : y[j]);
        y[j + half] = b * c + a * s + (beta == 0 ? 0 : y[j + half]);
      }
      if (y == x) continue;
      for (int64_t j = 2 * half; j < width; ++j) y[j] = x[j] + (beta == 0 ? 0 : y[j]);
    }
  }
};

}  // namespace

Tensor rotary_table(Graph& g, std::span<const int32_t> positions,
                    std::span<const float> inverse_frequencies, double scale) {
  const auto n = static_cast<int64_t>(positions.size()),
             half = static_cast<int64_t>(inverse_frequencies.size());
  check(half > 0, "rotary_table", "no frequencies");
  const Tensor table = g.make({n, 2 * half});
  parallel_for(n, 32 * half, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t j = 0; j < half; ++j) {
        const float angle = static_cast<float>(positions[static_cast<size_t>(i)]) *
                            inverse_frequencies[static_cast<size_t>(j)];
        table.row(i)[j] = static_cast<Scalar>(std::cos(static_cast<double>(angle)) * scale);
        table.row(i)[half + j] = static_cast<Scalar>(std::sin(static_cast<double>(angle)) * scale);
      }
  });
  return table;
}

Tensor rotary(Graph& g, Tensor x, const Tensor& table, int64_t width) {
  check(width > 0 && x.cols() % width == 0, "rotary", "input ", x.shape(),
        " does not divide into heads of ", width);
  check(table.rows() == x.rows() && table.cols() % 2 == 0 && table.cols() <= width, "rotary",
        "a table of angles ", table.shape(), " does not fit input ", x.shape(), " with heads of ",
        width);
  const Rotation rotation{x.cols() / width, width, table.cols() / 2};
  const Tensor xs = x.ghost(), angles = g.keep(table, {x});
  Tensor y = g.reuse(std::move(x));
  parallel_for(y.rows(), 4 * y.cols(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) rotation.row(y.row(i), y.row(i), table.row(i), 1, 0);
  });
  return g.record("rotary", y, {xs}, [=](Backward& bw) {
    const GradSink dx = bw.into(xs);
    const Tensor& dy = bw.dy();
    parallel_for(dy.rows(), 4 * dy.cols(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        rotation.row(dy.row(i), dx.data + i * dy.cols(), angles.row(i), -1, dx.beta);
    });
  });
}

}  // namespace engine
