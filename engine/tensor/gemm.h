// Matrix products of floats: the only file of the project that calls a BLAS.
//
// Double products are OpenBLAS's. Float products are oneDNN's where the build found it
// (libdnnl-dev) and it is the faster of the two for the shape, else OpenBLAS's too;
// docs/performance/journal.md has the numbers. The environment variable PEFT_GEMM=openblas or
// onednn chooses one of them for all shapes.
#pragma once

#include <string>

#include "engine/base/counters.h"
#include "engine/tensor/tensor.h"

namespace engine {

// A matrix in memory: element (r, c) is data[r * stride + c].
struct MatrixRef {
  const Scalar* data;
  int64_t rows, cols, stride;
  MatrixRef(const Scalar* d, int64_t r, int64_t c, int64_t s)
      : data(d), rows(r), cols(c), stride(s) {}
  MatrixRef(const Tensor& t)
      : data(t.data()), rows(t.rows()), cols(t.cols()), stride(t.cols()) {}  // NOLINT: implicit
};

// c = alpha op(a) op(b) + beta c, with op(m) = m or m^T; c has op(a).rows rows of `c_stride`
// scalars (0: dense). With beta = 0, c need not be initialised. Counted under `work`. Threaded by
// OpenBLAS, or single-threaded when called from inside an OpenMP parallel region (then it is not
// counted: the op counts its whole loop with count_gemm).
void gemm(bool transpose_a, bool transpose_b, const MatrixRef& a, const MatrixRef& b, Scalar beta,
          Scalar* c, Work work = Work::forward, Scalar alpha = 1, int64_t c_stride = 0);

// The same without counting, for the parts of a product that is counted.
void uncounted_gemm(bool transpose_a, bool transpose_b, const MatrixRef& a, const MatrixRef& b,
                    Scalar beta, Scalar* c, int64_t c_stride, Scalar alpha = 1);

// The same without counting, for loops of small products.
void small_gemm(bool transpose_a, bool transpose_b, const MatrixRef& a, const MatrixRef& b,
                Scalar beta, Scalar* c, int64_t c_stride, Scalar alpha = 1);

// Whether products give the same bits with any number of threads: they are then cut by their shape
// alone and every part is computed by one thread. Off, a BLAS cuts them by the number of threads.
void set_deterministic(bool on);
bool deterministic();

inline void count_gemm(Work work, int64_t calls, double flops) {
  counters().of(work).calls += calls;
  counters().of(work).flops += flops;
}

// The widest float instructions of this processor that kernels use: "AVX-512", "AVX2", "AVX",
// "SSE"; empty on other processors than x86-64.
std::string float_instructions();
// "OpenBLAS 0.3.21 ... kernels Zen, oneDNN 2.6.3", and what makes it slower than it could be with
// what to do about it (empty: nothing).
std::string blas_version();
std::string blas_complaint();

}  // namespace engine
