// Sums over rows, used by every bias gradient. Internal to ops/.
#pragma once

#include "engine/tensor/parallel.h"
#include "engine/tensor/tensor.h"

namespace engine::kernels {

// out[c] = beta out[c] + sum over rows r of term(r, c0, out_row): threads share columns, never
// rows, so the order of summation does not depend on their number. Rows are summed in groups first,
// which keeps the rounding error small.
template <class AddRow>
void sum_rows(int64_t rows, int64_t cols, Scalar* out, Scalar beta, AddRow&& add_row) {
  constexpr int64_t kGroup = 32;
  parallel_for(
      cols, rows,
      [&](int64_t begin, int64_t end) {
        constexpr int64_t kWidth = 256;
        for (int64_t c = begin; c < end; c += kWidth) {
          const int64_t width = std::min(kWidth, end - c);
          Scalar total[kWidth], part[kWidth];
          std::fill_n(total, width, Scalar(0));
          for (int64_t r0 = 0; r0 < rows; r0 += kGroup) {
            std::fill_n(part, width, Scalar(0));
            for (int64_t r = r0; r < std::min(rows, r0 + kGroup); ++r) add_row(r, c, width, part);
            for (int64_t j = 0; j < width; ++j) total[j] += part[j];
          }
          if (beta == 0)
            std::copy_n(total, width, out + c);
          else
            for (int64_t j = 0; j < width; ++j) out[c + j] += total[j];
        }
      },
      16);
}

// out = column sums of m.
inline void column_sums(const Tensor& m, Scalar* out, Scalar beta) {
  const Scalar* data = m.data();
  const int64_t cols = m.cols();
  sum_rows(m.rows(), cols, out, beta, [=](int64_t r, int64_t c, int64_t width, Scalar* part) {
    const Scalar* row = data + r * cols + c;
    for (int64_t j = 0; j < width; ++j) part[j] += row[j];
  });
}

}  // namespace engine::kernels
