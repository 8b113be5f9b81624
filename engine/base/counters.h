// What the engine did: matrix products by purpose, bytes saved for backward, tokens.
//
// A report can say *why* a strategy is cheaper, and tests assert counts, never times ("a frozen
// weight costs no GEMM"). Written only by the thread that drives the graph; not atomic.
#pragma once

#include <algorithm>
#include <cstdint>

namespace engine {

// What a matrix product is for: y = x W^T, dX = dY W, dW = dY^T X, or a product of the forward pass
// made again in backward because its result was not saved (attention's scores).
enum class Work { forward, input_gradient, weight_gradient, recomputed };

struct WorkCount {
  int64_t calls = 0;
  double flops = 0;  // 2 m n k a product
  bool operator==(const WorkCount&) const = default;
  void add(const WorkCount& other) {
    calls += other.calls;
    flops += other.flops;
  }
};

struct Counters {
  WorkCount forward, input_gradient, weight_gradient, recomputed;
  int64_t saved_bytes = 0;  // saved by the tape for backward, each buffer once
  int64_t tokens = 0;       // tokens encoded; padding does not exist here
  int64_t steps = 0;        // backward passes
  bool operator==(const Counters&) const = default;

  WorkCount& of(Work work) {
    switch (work) {
      case Work::forward:
        return forward;
      case Work::input_gradient:
        return input_gradient;
      case Work::weight_gradient:
        return weight_gradient;
      case Work::recomputed:
        break;
    }
    return recomputed;
  }
  // One after the other: saved_bytes becomes the larger of the two.
  void add(const Counters& other) {
    forward.add(other.forward);
    input_gradient.add(other.input_gradient);
    weight_gradient.add(other.weight_gradient);
    recomputed.add(other.recomputed);
    saved_bytes = std::max(saved_bytes, other.saved_bytes);
    tokens += other.tokens;
    steps += other.steps;
  }
  // What was counted since `before`, an earlier copy.
  Counters since(Counters before) const {
    Counters made = *this;
    for (const Work work :
         {Work::forward, Work::input_gradient, Work::weight_gradient, Work::recomputed}) {
      made.of(work).calls -= before.of(work).calls;
      made.of(work).flops -= before.of(work).flops;
    }
    made.saved_bytes -= before.saved_bytes;
    made.tokens -= before.tokens;
    made.steps -= before.steps;
    return made;
  }
  // Of all products, and of those that an engine that saved everything would make.
  double flops() const { return needed_flops() + recomputed.flops; }
  double needed_flops() const {
    return forward.flops + input_gradient.flops + weight_gradient.flops;
  }
  int64_t gemms() const {
    return forward.calls + input_gradient.calls + weight_gradient.calls + recomputed.calls;
  }
};

inline Counters& counters() {
  static Counters instance;
  return instance;
}

}  // namespace engine
