// The compiler, on this processor, with the flags of this build: g++ 12.2 -march=native lost the
// zeros of such lists until -mmove-max=128 -mstore-max=128 were given (cmake/PeftTargets.cmake).
#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

template <class T>
[[gnu::noinline]] static std::vector<T> four(T a) {
  return {a, a, 0, 0};
}

TEST_CASE("braced lists keep their zeros") {
  const std::vector<double> d{1, 1, 1, 0};
  CHECK(d[3] == 0);
  const std::vector<int64_t> l{7, 7, 0, 0};
  CHECK(l[2] == 0);
  CHECK(l[3] == 0);
  const std::vector<double> eight{1, 1, 1, 1, 1, 1, 0, 0};
  CHECK(eight[6] == 0);
  CHECK(eight[7] == 0);
  CHECK(four<double>(2)[3] == 0);
}
