#include "engine/tensor/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "engine/base/dry_run.h"

namespace engine {

std::shared_ptr<Scalar> allocate_scalars(int64_t count) {
  DryRun::refuse("memory");
  constexpr size_t kLine = 64, kHugePage = size_t{2} << 20;
  const size_t bytes = static_cast<size_t>(std::max<int64_t>(count, 1)) * sizeof(Scalar);
  const std::align_val_t alignment{bytes >= kHugePage ? kHugePage : kLine};
  std::shared_ptr<Scalar> memory(static_cast<Scalar*>(::operator new(bytes, alignment)),
                                 [alignment](Scalar* p) { ::operator delete(p, alignment); });
  if (bytes >= kHugePage)  // a refusal only costs speed
    madvise(memory.get(), bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  return memory;
}

}  // namespace engine
