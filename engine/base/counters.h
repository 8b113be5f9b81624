// What the engine did: matrix products by purpose, bytes kept for backward, tokens.
//
// A report can say *why* a strategy is cheaper, and tests assert counts, never times ("a frozen
// weight costs no GEMM"). Written only by the thread that drives the graph; not atomic.
#pragma once

#include <cstdint>

namespace engine {

// What a matrix product is for: y = x W^T, dX = dY W, or dW = dY^T X.
enum class Work { forward, input_gradient, weight_gradient };

struct WorkCount {
  int64_t calls = 0;
  double flops = 0;  // 2 m n k a product
  void add(const WorkCount& other, int64_t times) {
    calls += other.calls * times;
    flops += other.flops * static_cast<double>(times);
  }
};

struct Counters {
  WorkCount forward, input_gradient, weight_gradient;
  int64_t saved_bytes = 0;  // kept by the tape for backward, each buffer once
  int64_t tokens = 0;       // tokens encoded; padding does not exist here
  int64_t steps = 0;        // backward passes

  WorkCount& of(Work work) {
    if (work == Work::forward) return forward;
    return work == Work::input_gradient ? input_gradient : weight_gradient;
  }
  double flops() const { return forward.flops + input_gradient.flops + weight_gradient.flops; }
  int64_t gemms() const { return forward.calls + input_gradient.calls + weight_gradient.calls; }
};

inline Counters& counters() {
  static Counters instance;
  return instance;
}

}  // namespace engine
