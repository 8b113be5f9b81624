// Memory for many scalars that live long: parameters, gradients, moments. (Tensors of a step come
// from the Pool.)
#pragma once

#include <cstdint>
#include <memory>

#include "engine/tensor/shape.h"

namespace engine {

// Where the tensors and parameters of a dry run are (engine/base/dry_run.h): an address that no
// mapping can have, so that touching a value faults at once. It takes nothing from the system.
inline Scalar* dry_address() { return reinterpret_cast<Scalar*>(uintptr_t{1} << 48); }

// `count` scalars, not initialised, aligned to a cache line; from 2 MiB on to a huge page, and the
// system is asked for huge pages, so that products that go through a matrix by columns do not miss
// the TLB at every row. Throws std::bad_alloc, and engine::Error in a
// dry run.
std::shared_ptr<Scalar> allocate_scalars(int64_t count);

}  // namespace engine
