#include "task.h"

#include "course/lib/check.h"

namespace task {

using namespace engine;

Tensor softplus(Graph& g, const Tensor& x) { course::todo(); }

Tensor multiply_add(Graph& g, const Tensor& a, const Tensor& x, const Tensor& b) { course::todo(); }

}  // namespace task
