#include "engine/optim/optimizer.h"

#include <algorithm>

#include "engine/tensor/memory.h"

namespace engine {

std::shared_ptr<Scalar> Optimizer::moment(int64_t size) {
  std::shared_ptr<Scalar> memory = allocate_scalars(size);
  std::fill_n(memory.get(), size, Scalar(0));
  return memory;
}

}  // namespace engine
