// With fp32 arithmetic, or where the processor has nothing for BF16: c = a op(b) by panels of b's
// rows, widened into memory that stays in the cache.
//   b^T: a panel of b's rows makes the same columns of c
//   b:   c is the sum over panels of (the same columns of a) times the panel
#include "engine/tensor/half_gemm.h"

#include <vector>

#include "engine/base/dry_run.h"
#include "engine/tensor/few_rows.h"
#include "engine/tensor/onednn_bf16.h"
#include "engine/tensor/product_parts.h"

namespace engine {
namespace {

#if defined(PEFT_SCALAR_DOUBLE)
constexpr bool kFloat = false;
#else
constexpr bool kFloat = true;
#endif

constexpr int64_t kPanel = 256 * 1024;  // scalars, 1 MB

// Memory of the calling thread that its next call overwrites.
template <class T, int which>
T* scratch(int64_t n) {
  static thread_local std::vector<T> memory;
  if (memory.size() < static_cast<size_t>(n)) memory.resize(static_cast<size_t>(n));
  return memory.data();
}

void widen_rows(const HalfRef& b, Scalar* to) {
  parallel_for(b.rows, b.cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) widen(b.data + r * b.stride, b.cols, to + r * b.cols);
  });
}

void by_panels(bool transpose_b, const MatrixRef& a, const HalfRef& b, Scalar beta, Scalar* c,
               int64_t c_stride) {
  const int64_t most =
      std::max<int64_t>(1, std::min(b.rows, kPanel / std::max<int64_t>(1, b.cols)));
  auto* const panel = scratch<Scalar, 0>(most * b.cols);
  for (int64_t first = 0; first < b.rows; first += most) {
    const int64_t rows = std::min(most, b.rows - first);
    widen_rows({b.data + first * b.stride, rows, b.cols, b.stride}, panel);
    const MatrixRef wide(panel, rows, b.cols, b.cols);
    if (transpose_b)
      uncounted_gemm(false, true, a, wide, beta, c + first, c_stride);
    else
      uncounted_gemm(false, false, {a.data + first, a.rows, rows, a.stride}, wide, first ? 1 : beta,
                     c, c_stride);
  }
}

// op(a) op(b) of narrowed factors.
void multiply(bool transpose_a, bool transpose_b, const HalfRef& a, const HalfRef& b, Scalar beta,
              Scalar* c, int64_t c_stride) {
#if !defined(PEFT_SCALAR_DOUBLE)
  if (has_bf16_products()) {
    const int64_t m = transpose_a ? a.cols : a.rows, k = transpose_a ? a.rows : a.cols,
                  n = transpose_b ? b.rows : b.cols;
    const auto part = [&](const BFloat16* pa, const BFloat16* pb, int64_t rows, int64_t cols,
                          Scalar* to) {
      onednn_bf16::multiply(
          {rows, cols, k, transpose_a, transpose_b, a.stride, b.stride, c_stride, beta != 0}, pa,
          pb, to);
    };
    if (!deterministic()) return part(a.data, b.data, m, n, c);
    return product_parts(m, n, [&](bool rows, int64_t begin, int64_t count) {
      if (rows)
        part(a.data + (transpose_a ? begin : begin * a.stride), b.data, count, n,
             c + begin * c_stride);
      else
        part(a.data, b.data + (transpose_b ? begin * b.stride : begin), m, count, c + begin);
    });
  }
#endif
  auto* const wide = scratch<Scalar, 1>(a.rows * a.cols);
  widen_rows(a, wide);
  const MatrixRef all(wide, a.rows, a.cols, a.cols);
  if (!transpose_a) return by_panels(transpose_b, all, b, beta, c, c_stride);
  auto* const other = scratch<Scalar, 2>(b.rows * b.cols);
  widen_rows(b, other);
  uncounted_gemm(true, transpose_b, all, {other, b.rows, b.cols, b.cols}, beta, c, c_stride);
}

bool begin_product(int64_t m, int64_t n, int64_t k, int64_t k_b, Work work) {
  check(k == k_b, "gemm", "inner sizes differ: ", Shape{m, k}, " times ", Shape{k_b, n});
  if (m == 0 || n == 0) return false;
  count_gemm(work, 1,
             2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k));
  return !DryRun::on();
}

}  // namespace

bool has_bf16_products() { return kFloat && onednn_bf16::instructions() != nullptr; }

const char* bf16_instructions() {
  const char* const name = onednn_bf16::instructions();
  return kFloat && name ? name : "";
}

void narrow(const MatrixRef& a, BFloat16* to, int64_t to_stride) {
  parallel_for(a.rows, a.cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) narrow(a.data + r * a.stride, a.cols, to + r * to_stride);
  });
}

void half_gemm(bool transpose_b, const MatrixRef& a, const HalfRef& b, HalfArithmetic arithmetic,
               Scalar beta, Scalar* c, Work work, int64_t c_stride) {
  const int64_t n = transpose_b ? b.rows : b.cols;
  if (!begin_product(a.rows, n, a.cols, transpose_b ? b.cols : b.rows, work)) return;
  if (c_stride == 0) c_stride = n;
  if (transpose_b && a.rows <= kFewRows) return few_rows_product(a, b, beta, c, c_stride, 1);
  if (arithmetic == HalfArithmetic::fp32) return by_panels(transpose_b, a, b, beta, c, c_stride);
  auto* const half = scratch<BFloat16, 3>(a.rows * a.cols);
  narrow(a, half, a.cols);
  multiply(false, transpose_b, {half, a.rows, a.cols, a.cols}, b, beta, c, c_stride);
}

void half_gemm(bool transpose_a, bool transpose_b, const HalfRef& a, const HalfRef& b, Scalar beta,
               Scalar* c, Work work, int64_t c_stride) {
  const int64_t m = transpose_a ? a.cols : a.rows, n = transpose_b ? b.rows : b.cols;
  if (!begin_product(m, n, transpose_a ? a.rows : a.cols, transpose_b ? b.cols : b.rows, work))
    return;
  multiply(transpose_a, transpose_b, a, b, beta, c, c_stride ? c_stride : n);
}

}  // namespace engine
