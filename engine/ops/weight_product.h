// The three products of a linear layer, for a weight that is held as floats, as BF16, or as both.
// Internal to ops/.
//   y = x W^T    dx = dy W    dW = dy^T x
#pragma once

#include "engine/autograd/graph.h"
#include "engine/tensor/half_gemm.h"

namespace engine::kernels {

// The values of x (n, width) as BF16, in a tensor of half the bytes.
struct Narrowed {
  static constexpr int64_t kIn = sizeof(Scalar) / sizeof(BFloat16);  // values in a scalar

  Tensor memory;
  int64_t width = 0;

  Narrowed() = default;
  template <class Maker>  // make(shape): a tensor
  Narrowed(const MatrixRef& x, Maker&& make) : width(x.cols) {
    memory = make(Shape{x.rows, (x.cols + kIn - 1) / kIn});
    narrow(x, reinterpret_cast<BFloat16*>(memory.data()), memory.cols() * kIn);
  }
  HalfRef rows(int64_t first, int64_t count) const {
    return {reinterpret_cast<const BFloat16*>(memory.row(first)), count, width,
            memory.cols() * kIn};
  }
};

class Weight {
 public:
  Weight() = default;
  Weight(const Graph& g, const Tensor& w) : w_(w), half_(g.half(w)) {}

  const Tensor& tensor() const { return w_; }
  // The weight without its floats, for a backward that multiplies nothing with them.
  Weight ghost() const {
    Weight w = *this;
    w.w_ = w_.ghost();
    return w;
  }
  // Whether products narrow the other factor.
  bool narrows() const { return half_ && half_.arithmetic == HalfArithmetic::bf16; }

  // y = x W^T + beta y
  void forward(const MatrixRef& x, Scalar beta, Scalar* y, Work work = Work::forward) const {
    half_ ? half_gemm(true, x, values(), half_.arithmetic, beta, y, work)
          : gemm(false, true, x, w_, beta, y, work);
  }
  void forward(const HalfRef& x, Scalar beta, Scalar* y) const {
    half_gemm(false, true, x, values(), beta, y);
  }
  // dx = dy W + beta dx
  void input_gradient(const MatrixRef& dy, Scalar beta, Scalar* dx) const {
    half_ ? half_gemm(false, dy, values(), half_.arithmetic, beta, dx, Work::input_gradient)
          : gemm(false, false, dy, w_, beta, dx, Work::input_gradient);
  }
  void input_gradient(const HalfRef& dy, Scalar beta, Scalar* dx) const {
    half_gemm(false, false, dy, values(), beta, dx, Work::input_gradient);
  }

 private:
  HalfRef values() const { return {half_.data, w_.rows(), w_.cols(), w_.cols()}; }

  Tensor w_;
  HalfWeight half_;
};

}  // namespace engine::kernels
