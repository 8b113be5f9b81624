// The table of op cases. One row drives every check of an op: differences for each combination of
// inputs that need a gradient, bits that do not depend on what is frozen, products and saved bytes,
// the composed twin, the number of threads. A new op is a row (or a few, for its odd sizes and
// options) in catalogue.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/autograd/gradcheck.h"
#include "engine/base/counters.h"

namespace catalogue {

using engine::Scalar;
using engine::Shape;
using engine::Tensor;

// The inputs that need a gradient: bit i is input i.
using Mask = unsigned;

struct Cost {
  engine::WorkCount forward, input_gradient, weight_gradient, recomputed;
  int64_t saved_bytes = 0;  // only read when the mask is not 0
};

struct OpCase {
  std::string name;
  std::vector<Shape> shapes;  // of the inputs, all of them differentiable
  engine::TensorFunction call;
  std::function<Cost(Mask)> cost;
  engine::TensorFunction twin;  // the composition that it stands for, if it is fused
  double (*value)(double normal) =
      nullptr;                   // how an element is made from a normal number; null: as it is
  engine::GraphOptions options;  // dropout on or off, with a fixed key
  bool blas = false;             // its bits are BLAS's too

  // Inputs of the case in a workspace's pool, a function of `key`.
  std::vector<Tensor> inputs(engine::Workspace& ws, uint64_t key = 1) const;
  engine::GradcheckOptions gradcheck_options() const;
  Mask all() const { return (1u << shapes.size()) - 1; }
};

// Small shapes with odd sizes, for checks that are cubic in them.
const std::vector<OpCase>& small_cases();
// Shapes that wake the thread team.
const std::vector<OpCase>& large_cases();

// The ops of a BERT-family model at its sizes, for the benchmarks (bench/ops.h): of a packed batch
// of `lengths`.
struct ModelSizes {
  std::vector<int32_t> lengths;
  int heads;
  int64_t hidden, ffn, embedding, vocab;
};
std::vector<OpCase> model_cases(const ModelSizes& sizes);

std::vector<bool> bits(Mask mask, size_t count);

}  // namespace catalogue
