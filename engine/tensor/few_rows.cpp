// Tiles of kTile rows of b and up to kTile rows of a: each pair has one vector of partial sums, so
// a tile reads its rows of b once from memory, and again from the cache for rows of a beyond kTile.
#include "engine/tensor/few_rows.h"

#include <array>
#include <cstring>

#include "engine/tensor/parallel.h"

namespace engine {
namespace {

constexpr int64_t kTile = 4;
constexpr int64_t kLanes = 64 / static_cast<int64_t>(sizeof(Scalar));
typedef Scalar Lanes __attribute__((vector_size(64)));

// By reference: how a vector of 64 bytes is returned depends on the processor.
Scalar scalar(Scalar value) { return value; }
Scalar scalar(BFloat16 value) { return static_cast<Scalar>(widened(value)); }

void load(const Scalar* from, Lanes& lanes) { std::memcpy(&lanes, from, sizeof lanes); }

void load(const BFloat16* from, Lanes& lanes) {
#if defined(PEFT_SCALAR_DOUBLE)
  for (int64_t i = 0; i < kLanes; ++i) lanes[i] = scalar(from[i]);
#else
  // In whole registers: the compiler cuts the loop into halves that go through memory.
  typedef uint16_t Halves __attribute__((vector_size(32)));
  typedef uint32_t Words __attribute__((vector_size(64)));
  Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  const Words words = __builtin_convertvector(halves, Words) << 16;
  std::memcpy(&lanes, &words, sizeof lanes);
#endif
}

Scalar sum(const Lanes& lanes) {
  Scalar total = 0;
  for (int64_t i = 0; i < kLanes; ++i) total += lanes[i];
  return total;
}

template <class B>  // MatrixRef or HalfRef
struct Product {
  const MatrixRef& a;
  const B& b;
  Scalar alpha, beta;
  Scalar* c;
  int64_t c_stride;

  // Rows [i, i + m) of a and [j, j + n) of b.
  template <int m, int n>
  void tile(int64_t i, int64_t j) const {
    std::array<Lanes, m * n> sums{};
    const int64_t k = a.cols, whole = k / kLanes * kLanes;
    const Scalar* pa = a.data + i * a.stride;
    const auto* pb = b.data + j * b.stride;
    for (int64_t l = 0; l < whole; l += kLanes) {
      std::array<Lanes, m> va;
      for (int r = 0; r < m; ++r) load(pa + r * a.stride + l, va[r]);
      for (int s = 0; s < n; ++s) {
        Lanes vb;
        load(pb + s * b.stride + l, vb);
        for (int r = 0; r < m; ++r) sums[r * n + s] += va[r] * vb;
      }
    }
    for (int r = 0; r < m; ++r)
      for (int s = 0; s < n; ++s) {
        Scalar dot = sum(sums[r * n + s]);
        for (int64_t l = whole; l < k; ++l)
          dot += pa[r * a.stride + l] * scalar(pb[s * b.stride + l]);
        Scalar& to = c[(i + r) * c_stride + j + s];
        to = beta == 0 ? alpha * dot : alpha * dot + beta * to;
      }
  }
  template <int n>
  void all_rows_of_a(int64_t j) const {
    int64_t i = 0;
    for (; i + kTile <= a.rows; i += kTile) tile<kTile, n>(i, j);
    switch (a.rows - i) {
      case 3:
        return tile<3, n>(i, j);
      case 2:
        return tile<2, n>(i, j);
      case 1:
        return tile<1, n>(i, j);
      default:
        return;
    }
  }
  void rows_of_b(int64_t begin, int64_t end) const {
    int64_t j = begin;
    for (; j + kTile <= end; j += kTile) all_rows_of_a<kTile>(j);
    for (; j < end; ++j) all_rows_of_a<1>(j);
  }
};

template <class B>
void multiply(const MatrixRef& a, const B& b, Scalar beta, Scalar* c, int64_t c_stride,
              Scalar alpha) {
  const Product<B> product{a, b, alpha, beta, c, c_stride};
  parallel_for(
      b.rows, b.cols, [&](int64_t begin, int64_t end) { product.rows_of_b(begin, end); }, kTile);
}

}  // namespace

void few_rows_product(const MatrixRef& a, const MatrixRef& b, Scalar beta, Scalar* c,
                      int64_t c_stride, Scalar alpha) {
  multiply(a, b, beta, c, c_stride, alpha);
}

void few_rows_product(const MatrixRef& a, const HalfRef& b, Scalar beta, Scalar* c,
                      int64_t c_stride, Scalar alpha) {
  multiply(a, b, beta, c, c_stride, alpha);
}

}  // namespace engine
