// Counts what a program takes from the heap, by replacing operator new: for the one source of a
// test program that is about allocations.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace testing {

inline std::atomic<int64_t> allocations{0};

// oneDNN takes and frees small objects of its own in every product; what is counted here is the
// engine's.
[[maybe_unused]] inline const int by_openblas = setenv("PEFT_GEMM", "openblas", 1);

[[gnu::noinline]] inline void* counted(size_t bytes, size_t alignment = 1) {
  ++allocations;
  void* p = alignment > alignof(std::max_align_t)
                ? std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)
                : std::malloc(bytes ? bytes : 1);
  if (!p) throw std::bad_alloc();
  return p;
}

// Not inlined: g++ would see free() of what operator new gave, and warn.
[[gnu::noinline]] inline void release(void* p) { std::free(p); }

}  // namespace testing

void* operator new(size_t bytes) { return testing::counted(bytes); }
void* operator new[](size_t bytes) { return testing::counted(bytes); }
void* operator new(size_t bytes, std::align_val_t a) {
  return testing::counted(bytes, static_cast<size_t>(a));
}
void* operator new[](size_t bytes, std::align_val_t a) {
  return testing::counted(bytes, static_cast<size_t>(a));
}
void operator delete(void* p) noexcept { testing::release(p); }
void operator delete[](void* p) noexcept { testing::release(p); }
void operator delete(void* p, size_t) noexcept { testing::release(p); }
void operator delete[](void* p, size_t) noexcept { testing::release(p); }
void operator delete(void* p, std::align_val_t) noexcept { testing::release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { testing::release(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { testing::release(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { testing::release(p); }
