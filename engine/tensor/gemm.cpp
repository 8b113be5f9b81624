#include "engine/tensor/gemm.h"

#include <cblas.h>
#if defined(PEFT_HAS_ONEDNN) && !defined(PEFT_SCALAR_DOUBLE)
#define PEFT_USE_ONEDNN 1
#include <dnnl.h>
#endif

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "engine/base/dry_run.h"
#include "engine/tensor/few_rows.h"
#include "engine/tensor/product_parts.h"
#include "engine/tensor/transpose.h"

namespace engine {
namespace {

// One of the two is used, by engine::Scalar.
[[maybe_unused]] void call(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k,
                           float alpha, const float* a, blasint lda, const float* b, blasint ldb,
                           float beta, float* c, blasint ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
[[maybe_unused]] void call(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k,
                           double alpha, const double* a, blasint lda, const double* b, blasint ldb,
                           double beta, double* c, blasint ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

#if defined(PEFT_USE_ONEDNN)

enum class Library { by_shape, openblas, onednn };

Library library_from_environment() {
  const char* name = std::getenv("PEFT_GEMM");
  const std::string_view given = name ? name : "";
  return given == "openblas" ? Library::openblas
         : given == "onednn" ? Library::onednn
                             : Library::by_shape;
}

bool has_avx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") != 0;
#else
  return false;
#endif
}

// With AVX-512, oneDNN is ahead at nearly all shapes and never far behind. With AVX2 it is, except
// for weight gradients (a transposed), where it falls to a third of OpenBLAS at some powers of two,
// unless they are thin (LoRA's).
bool better_by_onednn(bool transpose_a, int64_t m, int64_t n) {
  static const Library library = library_from_environment();
  static const bool wide = has_avx512();
  if (library != Library::by_shape) return library == Library::onednn;
  return wide || !transpose_a || std::min(m, n) <= 64;
}

// Scalars, 32 MB: the weights of BERT-large's layers have half of it.
constexpr int64_t kLargestCopy = int64_t{8} << 20;

// With AVX-512, oneDNN's product with b transposed has between a quarter and nine tenths of the
// speed of the one with b as it is (with AVX2, all of it), and turning b over costs what a dozen
// rows of a cost.
bool better_by_copy_of_b(int64_t m, int64_t n, int64_t k) {
  static const bool wide = has_avx512();
  return wide && m >= 64 && n >= 64 && k >= 64 && n * k <= kLargestCopy &&
         better_by_onednn(false, m, n);
}

// The same with a transposed, where a's rows are a multiple of a page of memory apart and the
// result is not much larger than a.
bool better_by_copy_of_a(int64_t m, int64_t n, int64_t k, int64_t a_stride) {
  static const bool wide = has_avx512();
  return wide && a_stride % 1024 == 0 && m >= 4 * n && n >= 64 && k >= 64 &&
         m * k <= kLargestCopy && better_by_onednn(true, m, n);
}

// m^T, in memory that the next product overwrites.
MatrixRef transposed(const MatrixRef& m) {
  static thread_local std::vector<Scalar> memory;
  const int64_t stride = m.rows + 16;  // a line of the cache more, see transpose()
  const auto size = static_cast<size_t>(stride * m.cols);
  if (memory.size() < size) memory.resize(size);
  transpose(m.data, m.rows, m.cols, m.stride, memory.data(), stride);
  return {memory.data(), m.cols, m.rows, stride};
}

#endif

std::atomic<bool> deterministic_on{false};

void product(bool transpose_a, bool transpose_b, const MatrixRef& a, const MatrixRef& b,
             Scalar beta, Scalar* c, int64_t c_stride, Scalar alpha) {
  const int64_t m = transpose_a ? a.cols : a.rows, k = transpose_a ? a.rows : a.cols;
  const int64_t n = transpose_b ? b.rows : b.cols;
#if defined(PEFT_USE_ONEDNN)
  if (k > 0 && better_by_onednn(transpose_a, m, n)) {
    if (m > 0 && n > 0)
      dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, alpha, a.data, a.stride,
                 b.data, b.stride, beta, c, c_stride);
    return;
  }
#endif
  call(transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
       static_cast<blasint>(m), static_cast<blasint>(n), static_cast<blasint>(k), alpha, a.data,
       static_cast<blasint>(a.stride), b.data, static_cast<blasint>(b.stride), beta, c,
       static_cast<blasint>(c_stride));
}

void product_in_parts(bool transpose_a, bool transpose_b, const MatrixRef& a, const MatrixRef& b,
                      Scalar beta, Scalar* c, int64_t c_stride, Scalar alpha) {
  const int64_t m = transpose_a ? a.cols : a.rows, n = transpose_b ? b.rows : b.cols;
  product_parts(m, n, [&](bool rows, int64_t begin, int64_t count) {
    MatrixRef a_part = a, b_part = b;
    if (rows) {
      a_part.data += transpose_a ? begin : begin * a.stride;
      (transpose_a ? a_part.cols : a_part.rows) = count;
    } else {
      b_part.data += transpose_b ? begin * b.stride : begin;
      (transpose_b ? b_part.rows : b_part.cols) = count;
    }
    product(transpose_a, transpose_b, a_part, b_part, beta, c + (rows ? begin * c_stride : begin),
            c_stride, alpha);
  });
}

}  // namespace

void set_deterministic(bool on) { deterministic_on = on; }

bool deterministic() { return deterministic_on; }

void small_gemm(bool transpose_a, bool transpose_b, const MatrixRef& a, const MatrixRef& b,
                Scalar beta, Scalar* c, int64_t c_stride, Scalar alpha) {
  if (deterministic()) {
    const OneThread one;
    product(transpose_a, transpose_b, a, b, beta, c, c_stride, alpha);
  } else {
    product(transpose_a, transpose_b, a, b, beta, c, c_stride, alpha);
  }
}

void gemm(bool transpose_a, bool transpose_b, const MatrixRef& a, const MatrixRef& b, Scalar beta,
          Scalar* c, Work work, Scalar alpha, int64_t c_stride) {
  const int64_t m = transpose_a ? a.cols : a.rows, k = transpose_a ? a.rows : a.cols;
  const int64_t n = transpose_b ? b.rows : b.cols, k_b = transpose_b ? b.cols : b.rows;
  check(k == k_b, "gemm", "inner sizes differ: ", Shape{m, k}, " times ", Shape{k_b, n});
  if (m == 0 || n == 0) return;
  count_gemm(work, 1,
             2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k));
  if (DryRun::on()) return;
  uncounted_gemm(transpose_a, transpose_b, a, b, beta, c, c_stride ? c_stride : n, alpha);
}

void uncounted_gemm(bool transpose_a, bool transpose_b, const MatrixRef& a, const MatrixRef& b,
                    Scalar beta, Scalar* c, int64_t c_stride, Scalar alpha) {
  const int64_t m = transpose_a ? a.cols : a.rows;
  if (!transpose_a && transpose_b && m <= kFewRows)
    return few_rows_product(a, b, beta, c, c_stride, alpha);
  const auto multiply = deterministic() ? product_in_parts : product;
#if defined(PEFT_USE_ONEDNN)
  const int64_t k = transpose_a ? a.rows : a.cols, n = transpose_b ? b.rows : b.cols;
  if (!transpose_a && transpose_b && better_by_copy_of_b(m, n, k))
    return multiply(false, false, a, transposed(b), beta, c, c_stride, alpha);
  if (transpose_a && !transpose_b && better_by_copy_of_a(m, n, k, a.stride))
    return multiply(false, false, transposed(a), b, beta, c, c_stride, alpha);
#endif
  multiply(transpose_a, transpose_b, a, b, beta, c, c_stride, alpha);
}

std::string blas_version() {
  std::string text = std::string(openblas_get_config()) + " kernels " + openblas_get_corename();
#if defined(PEFT_USE_ONEDNN)
  const dnnl_version_t* v = dnnl_version();
  text += concat(", oneDNN ", v->major, ".", v->minor, ".", v->patch);
#endif
  return text;
}

namespace {

// Which products of this build and processor are OpenBLAS's.
[[maybe_unused]] std::string openblas_products() {
#if defined(PEFT_USE_ONEDNN)
  static const Library library = library_from_environment();
  if (library == Library::onednn || (library == Library::by_shape && has_avx512()))
    return "here none, all are oneDNN's and not affected";
  if (library == Library::by_shape)
    return "here weight gradients, the others are oneDNN's and not affected";
#endif
  return "here all";
}

#if defined(__x86_64__)
// In the order of their width.
constexpr const char* kInstructions[] = {"SSE", "AVX", "AVX2", "AVX-512"};

// What OpenBLAS's kernels of this name need, as its dynamic.c chooses them: an index above.
int instructions_of(std::string_view kernels) {
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), kernels) != names.end();
  };
  if (is({"SkylakeX", "Cooperlake", "SapphireRapids"})) return 3;
  if (is({"Haswell", "Zen", "Excavator"})) return 2;
  if (is({"Sandybridge", "Bulldozer", "Piledriver", "Steamroller"})) return 1;
  return 0;
}

int instructions_here() {
  if (__builtin_cpu_supports("avx512f")) return 3;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 2;
  return __builtin_cpu_supports("avx") ? 1 : 0;
}
#endif

}  // namespace

std::string float_instructions() {
#if defined(__x86_64__)
  return kInstructions[instructions_here()];
#else
  return {};
#endif
}

std::string blas_complaint() {
  if (openblas_get_parallel() != OPENBLAS_OPENMP)
    return "OpenBLAS is not its OpenMP build, so its threads compete with the engine's on the same "
           "cores (several times slower).\n"
           "hint: install libopenblas-openmp-dev and build again; check LD_LIBRARY_PATH and "
           "LD_PRELOAD";
#if defined(__x86_64__)
  const char* forced = std::getenv("OPENBLAS_CORETYPE");
  const int kernels = instructions_of(openblas_get_corename()), here = instructions_here();
  if (forced && *forced && kernels < here)
    return std::string("OPENBLAS_CORETYPE=") + forced + " chooses " + kInstructions[kernels] +
           " kernels on a processor with " + kInstructions[here] +
           ", which are slower for the products that OpenBLAS computes: " + openblas_products() +
           "\nhint: unset OPENBLAS_CORETYPE";
#endif
  return {};
}

}  // namespace engine
