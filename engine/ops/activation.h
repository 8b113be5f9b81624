// Element-wise activations. Cost: one pass; saves x if x needs a gradient (tanh saves y).
//
//   gelu       x Phi(x), Phi the normal distribution function by erf     BERT and its family:
//   "gelu" gelu_tanh  0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))           GPT-2: "gelu_new"
//   relu       max(x, 0)
//   silu       x / (1 + exp(-x))                                         also "swish"
//   tanh
#pragma once

#include <string_view>

#include "engine/autograd/graph.h"

namespace engine {

enum class Activation { gelu, gelu_tanh, relu, silu, tanh };

// By Hugging Face's or AdapterHub's name: gelu, gelu_new, gelu_pytorch_tanh, relu, silu, swish,
// tanh. Others are an error.
Activation activation_from_name(std::string_view name);
const char* activation_name(Activation act);

Tensor activation(Graph& g, const Tensor& x, Activation act);

namespace kernels {
// y[i] = act(x[i]); x may be y.
void activate(Activation act, const Scalar* x, Scalar* y, int64_t n);
// dx[i] = dy[i] act'(x[i]) + beta dx[i]; dx may be dy when beta is 0.
void activate_backward(Activation act, const Scalar* x, const Scalar* dy, Scalar* dx, Scalar beta,
                       int64_t n);
}  // namespace kernels

}  // namespace engine
