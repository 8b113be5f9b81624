// In squares of as many rows as a vector has lanes, transposed in registers (Eigen's
// transposeInPlace of such a square): whole cache lines are read and written.
#include "engine/tensor/transpose.h"

#include <Eigen/Core>
#include <algorithm>

#include "engine/tensor/parallel.h"

namespace engine {
namespace {

constexpr int64_t kSide = Eigen::internal::packet_traits<Scalar>::size;
using Square = Eigen::Matrix<Scalar, kSide, kSide, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;

void transpose_square(const Scalar* in, int64_t in_stride, Scalar* out, int64_t out_stride) {
  Square square = Eigen::Map<const Square, 0, Stride>(in, Stride(in_stride));
  square.transposeInPlace();
  Eigen::Map<Square, 0, Stride>(out, Stride(out_stride)) = square;
}

void transpose_rest(const Scalar* in, int64_t rows, int64_t cols, int64_t in_stride, Scalar* out,
                    int64_t out_stride) {
  for (int64_t c = 0; c < cols; ++c)
    for (int64_t r = 0; r < rows; ++r) out[c * out_stride + r] = in[r * in_stride + c];
}

}  // namespace

void transpose(const Scalar* in, int64_t rows, int64_t cols, int64_t in_stride, Scalar* out,
               int64_t out_stride) {
  const int64_t strips = (rows + kSide - 1) / kSide, whole = cols / kSide * kSide;
  parallel_for(strips, 2 * kSide * cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin * kSide; r < std::min(rows, end * kSide); r += kSide) {
      const Scalar* from = in + r * in_stride;
      if (r + kSide > rows) {
        transpose_rest(from, rows - r, cols, in_stride, out + r, out_stride);
        continue;
      }
      for (int64_t c = 0; c < whole; c += kSide)
        transpose_square(from + c, in_stride, out + c * out_stride + r, out_stride);
      transpose_rest(from + whole, kSide, cols - whole, in_stride, out + whole * out_stride + r,
                     out_stride);
    }
  });
}

}  // namespace engine
