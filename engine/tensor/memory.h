// Memory for many scalars that live long: parameters, gradients, moments. (Tensors of a step come
// from the Pool.)
#pragma once

#include <cstdint>
#include <memory>

#include "engine/tensor/shape.h"

namespace engine {

// `count` scalars, not initialised, aligned to a cache line; from 2 MiB on to a huge page, and the
// system is asked for huge pages, so that products that go through a matrix by columns do not miss
// the TLB at every row. Throws std::bad_alloc.
std::shared_ptr<Scalar> allocate_scalars(int64_t count);

}  // namespace engine
