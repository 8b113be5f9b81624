#include "engine/tensor/gemm.h"

#include <cblas.h>

#include <cstdlib>
#include <string_view>

namespace engine {
namespace {

inline void call(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k, float alpha, const float* a, blasint lda,
                 const float* b, blasint ldb, float beta, float* c, blasint ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
inline void call(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k, double alpha, const double* a, blasint lda,
                 const double* b, blasint ldb, double beta, double* c, blasint ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

}  // namespace

void small_gemm(bool transpose_a, bool transpose_b, const MatrixRef& a, const MatrixRef& b, Scalar beta, Scalar* c, int64_t c_stride,
                Scalar alpha) {
  const int64_t m = transpose_a ? a.cols : a.rows, k = transpose_a ? a.rows : a.cols;
  const int64_t n = transpose_b ? b.rows : b.cols;
  call(transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, static_cast<blasint>(m),
       static_cast<blasint>(n), static_cast<blasint>(k), alpha, a.data, static_cast<blasint>(a.stride), b.data,
       static_cast<blasint>(b.stride), beta, c, static_cast<blasint>(c_stride));
}

void gemm(bool transpose_a, bool transpose_b, const MatrixRef& a, const MatrixRef& b, Scalar beta, Scalar* c, Work work, Scalar alpha,
          int64_t c_stride) {
  const int64_t m = transpose_a ? a.cols : a.rows, k = transpose_a ? a.rows : a.cols;
  const int64_t n = transpose_b ? b.rows : b.cols, k_b = transpose_b ? b.cols : b.rows;
  check(k == k_b, "gemm", "inner sizes differ: ", Shape{m, k}, " times ", Shape{k_b, n});
  if (m == 0 || n == 0) return;
  small_gemm(transpose_a, transpose_b, a, b, beta, c, c_stride ? c_stride : n, alpha);
  count_gemm(work, 1, 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k));
}

std::string blas_version() { return std::string(openblas_get_config()) + " kernels " + openblas_get_corename(); }

std::string blas_complaint() {
  if (openblas_get_parallel() != OPENBLAS_OPENMP)
    return "OpenBLAS is not its OpenMP build, so its threads compete with the engine's on the same cores (several times slower).\n"
           "hint: install libopenblas-openmp-dev and build again; check LD_LIBRARY_PATH and LD_PRELOAD";
#if defined(__x86_64__)
  const char* forced = std::getenv("OPENBLAS_CORETYPE");
  const std::string_view kernels = openblas_get_corename();
  if (forced && *forced && __builtin_cpu_supports("avx512f") && (kernels == "Haswell" || kernels == "Zen"))
    return std::string("OPENBLAS_CORETYPE=") + forced + " chooses AVX2 kernels on a processor with AVX-512 (up to twice slower).\n"
           "hint: unset OPENBLAS_CORETYPE";
#endif
  return {};
}

}  // namespace engine
