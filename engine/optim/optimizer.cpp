#include "engine/optim/optimizer.h"

#include <algorithm>
#include <new>

namespace engine {

std::shared_ptr<Scalar> Optimizer::moment(int64_t size) {
  const auto bytes = static_cast<size_t>(std::max<int64_t>(size, 1)) * sizeof(Scalar);
  std::shared_ptr<Scalar> memory(static_cast<Scalar*>(::operator new(bytes, std::align_val_t{64})),
                                 [](Scalar* p) { ::operator delete(p, std::align_val_t{64}); });
  std::fill_n(memory.get(), size, Scalar(0));
  return memory;
}

}  // namespace engine
