// Ops as their definitions: plain loops with long double sums, one small op a step. They are the
// specification that the engine's fused ops are compared with, and are checked by differences
// themselves.
#pragma once

#include <functional>
#include <vector>

#include "engine/autograd/graph.h"

namespace naive {

using engine::Graph;
using engine::Tensor;

Tensor copy(Graph& g, const Tensor& x);                     // y = x, storage of its own
Tensor matmul(Graph& g, const Tensor& a, const Tensor& b);  // y = a b
Tensor transpose(Graph& g, const Tensor& x);                // y = x^T
Tensor stack(Graph& g, const Tensor& above,
             const Tensor& below);  // rows of one, then rows of the other
// Row-wise softmax over the columns for which sees(row, column).
Tensor softmax(Graph& g, const Tensor& x, const std::function<bool(int64_t, int64_t)>& sees);
// y (rows, cols) = 0 but for x at (row, col).
Tensor place(Graph& g, const Tensor& x, engine::Shape shape, int64_t row, int64_t col);
// -sum over rows of sum_c t_c log softmax(x)_c / n, t smoothed: torch's definition, term by term.
Tensor cross_entropy(Graph& g, const Tensor& x, const std::vector<double>& labels,
                     double smoothing);
Tensor multiply(Graph& g, const Tensor& a, const Tensor& b);  // element by element
// Every range of w.size() columns by itself.
Tensor rms_norm(Graph& g, const Tensor& x, const Tensor& w, double eps);
// Columns j and j + r / 2 of a head, as a complex number, times scale exp(i position frequency_j).
Tensor rotary(Graph& g, const Tensor& x, const std::vector<int32_t>& positions,
              const std::vector<float>& frequencies, int64_t width, double scale);

}  // namespace naive
