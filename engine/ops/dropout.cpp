#include "engine/ops/dropout.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstring>

#include "engine/base/philox.h"
#include "engine/tensor/parallel.h"

namespace engine {
namespace {

constexpr int kLanes = 8;  // counters computed side by side, so that the compiler vectorises
constexpr int64_t kBlock = kLanes * 8;  // a counter gives 128 bits: eight 16-bit decisions
static_assert(kBlock == DropoutMask::kAlign);

// A block is sixty-four 16-bit random numbers, number `index` of the stream `key`. Philox with
// seven rounds, the fewest that pass BigCrush (Salmon et al., table 2): masks need no more. The
// upper half of its 128-bit counter is fixed.
constexpr uint32_t kCounter2 = 0x243F6A88, kCounter3 = 0x85A308D3;

#if defined(__AVX512F__) && !defined(PEFT_SCALAR_DOUBLE)

// The numbers and decisions of the loops below, three times as fast as what the compiler makes of
// them: a counter's words stand in 64-bit lanes, where a product of two 32-bit words has room, and
// a decision is a bit of a mask register.
struct Decisions {
  __m512i low, high;  // sixteen words each

  Decisions(uint64_t key, uint64_t index) {
    const uint64_t first = index * kLanes;
    const auto everywhere = [](uint64_t x) { return _mm512_set1_epi64(static_cast<int64_t>(x)); };
    __m512i c0 = _mm512_add_epi64(everywhere(static_cast<uint32_t>(first)),
                                  _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
    __m512i c1 = everywhere(first >> 32), c2 = everywhere(kCounter2), c3 = everywhere(kCounter3);
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
    constexpr int kXorOfThree = 0x96;
#pragma GCC unroll 7
    for (int round = 0; round < 7;
         ++round) {  // the upper half of a lane may hold anything: mul_epu32 does not read it
      const __m512i p0 = _mm512_mul_epu32(c0, everywhere(kPhiloxM0)),
                    p1 = _mm512_mul_epu32(c2, everywhere(kPhiloxM1));
      c0 = _mm512_ternarylogic_epi64(_mm512_srli_epi64(p1, 32), c1, everywhere(k0), kXorOfThree);
      c2 = _mm512_ternarylogic_epi64(_mm512_srli_epi64(p0, 32), c3, everywhere(k1), kXorOfThree);
      c1 = p1;
      c3 = p0;
      k0 += kPhiloxW0;
      k1 += kPhiloxW1;
    }
    const auto joined = [](__m512i a, __m512i b) {
      return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi64_epi32(a)),
                                _mm512_cvtepi64_epi32(b), 1);
    };
    low = joined(c0, c1);
    high = joined(c2, c3);
  }

  // kept(at, mask) for the elements at, at + 1, ... at + 15, in the order of factors() below.
  template <class F>
  void each(uint32_t threshold, F&& kept) const {
    const __m512i least = _mm512_set1_epi32(static_cast<int>(threshold)),
                  half = _mm512_set1_epi32(0xFFFF);
    kept(0, _mm512_cmpge_epu32_mask(_mm512_and_si512(low, half), least));
    kept(16, _mm512_cmpge_epu32_mask(_mm512_and_si512(high, half), least));
    kept(32, _mm512_cmpge_epu32_mask(_mm512_srli_epi32(low, 16), least));
    kept(48, _mm512_cmpge_epu32_mask(_mm512_srli_epi32(high, 16), least));
  }
};

inline void factors(uint64_t key, uint64_t index, uint32_t threshold, Scalar factor, Scalar* out) {
  const __m512 f = _mm512_set1_ps(factor);
  Decisions(key, index).each(threshold, [&](int at, __mmask16 kept) {
    _mm512_storeu_ps(out + at, _mm512_maskz_mov_ps(kept, f));
  });
}

inline void apply_block(uint64_t key, uint64_t index, uint32_t threshold, Scalar factor,
                        const Scalar* x, Scalar* y, bool add) {
  const __m512 f = _mm512_set1_ps(factor);
  Decisions(key, index).each(threshold, [&](int at, __mmask16 kept) {
    // The product is not masked: 0 times NaN is NaN.
    const __m512 product = _mm512_mul_ps(_mm512_loadu_ps(x + at), _mm512_maskz_mov_ps(kept, f));
    _mm512_storeu_ps(y + at, add ? _mm512_add_ps(_mm512_loadu_ps(y + at), product) : product);
  });
}

#else

inline void random_block(uint64_t key, uint64_t index, uint32_t (&out)[4][kLanes]) {
  uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  const uint64_t first = index * kLanes;
  for (int l = 0; l < kLanes; ++l) {
    c0[l] = static_cast<uint32_t>(first) +
            static_cast<uint32_t>(l);  // first is a multiple of 8: no carry
    c1[l] = static_cast<uint32_t>(first >> 32);
    c2[l] = kCounter2;
    c3[l] = kCounter3;
  }
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 7; ++round) {
    for (int l = 0; l < kLanes; ++l) {
      const uint64_t p0 = uint64_t{kPhiloxM0} * c0[l], p1 = uint64_t{kPhiloxM1} * c2[l];
      const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1[l] ^ k0,
                     n2 = static_cast<uint32_t>(p0 >> 32) ^ c3[l] ^ k1;
      c1[l] = static_cast<uint32_t>(p1);
      c3[l] = static_cast<uint32_t>(p0);
      c0[l] = n0;
      c2[l] = n2;
    }
    k0 += kPhiloxW0;
    k1 += kPhiloxW1;
  }
  std::memcpy(out[0], c0, sizeof c0);
  std::memcpy(out[1], c1, sizeof c1);
  std::memcpy(out[2], c2, sizeof c2);
  std::memcpy(out[3], c3, sizeof c3);
}

inline void factors(uint64_t key, uint64_t index, uint32_t threshold, Scalar factor, Scalar* out) {
  uint32_t words[4][kLanes];
  random_block(key, index, words);
  const uint32_t* w = &words[0][0];
  for (int i = 0; i < 4 * kLanes; ++i) {
    out[i] = (w[i] & 0xFFFFu) < threshold ? Scalar(0) : factor;
    out[i + 4 * kLanes] = (w[i] >> 16) < threshold ? Scalar(0) : factor;
  }
}

inline void apply_block(uint64_t key, uint64_t index, uint32_t threshold, Scalar factor,
                        const Scalar* x, Scalar* y, bool add) {
  Scalar block[kBlock];
  factors(key, index, threshold, factor, block);
  if (add)
    for (int64_t j = 0; j < kBlock; ++j) y[j] += x[j] * block[j];
  else
    for (int64_t j = 0; j < kBlock; ++j) y[j] = x[j] * block[j];
}

#endif

}  // namespace

DropoutMask::DropoutMask(uint64_t key, double p) : key_(key) {
  check(p >= 0 && p < 1, "dropout", "probability ", p, " is not in [0, 1)");
  threshold_ = static_cast<uint32_t>(p * 65536 + 0.5);
  // The factor uses the probability that is really drawn, so that the mean is kept exactly.
  factor_ = static_cast<Scalar>(65536.0 / (65536.0 - threshold_));
}

void DropoutMask::fill(int64_t begin, int64_t n, Scalar* out) const {
  const uint64_t first = static_cast<uint64_t>(begin / kBlock);
  const int64_t whole = n / kBlock;
  for (int64_t i = 0; i < whole; ++i)
    factors(key_, first + static_cast<uint64_t>(i), threshold_, factor_, out + i * kBlock);
  if (const int64_t rest = n - whole * kBlock) {
    Scalar block[kBlock];
    factors(key_, first + static_cast<uint64_t>(whole), threshold_, factor_, block);
    std::copy_n(block, rest, out + whole * kBlock);
  }
}

void DropoutMask::apply(int64_t begin, int64_t n, const Scalar* x, Scalar* y, Scalar beta) const {
  const uint64_t first = static_cast<uint64_t>(begin / kBlock);
  const int64_t whole = n / kBlock;
  for (int64_t i = 0; i < whole; ++i)
    apply_block(key_, first + static_cast<uint64_t>(i), threshold_, factor_, x + i * kBlock,
                y + i * kBlock, beta != 0);
  if (const int64_t rest = n - whole * kBlock) {
    Scalar block[kBlock];
    factors(key_, first + static_cast<uint64_t>(whole), threshold_, factor_, block);
    for (int64_t j = whole * kBlock; j < n; ++j) {
      const Scalar product = x[j] * block[j - whole * kBlock];
      y[j] = beta == 0 ? product : y[j] + product;
    }
  }
}

Tensor dropout(Graph& g, Tensor x, double p) {
  const DropoutMask mask = DropoutMask::next(g, p);
  if (!mask) return x;
  const Tensor input = x.ghost();
  Tensor y = g.reuse(std::move(x));
  parallel_for(
      y.size(), 4,
      [&](int64_t begin, int64_t end) {
        mask.apply(begin, end - begin, y.data() + begin, y.data() + begin);
      },
      DropoutMask::kAlign);
  return g.record("dropout", y, {input}, [=](Backward& bw) {
    const GradSink dx = bw.into(input);
    const Scalar* dy = bw.dy().data();
    parallel_for(
        bw.dy().size(), 4,
        [&](int64_t begin, int64_t end) {
          mask.apply(begin, end - begin, dy + begin, dx.data + begin, dx.beta);
        },
        DropoutMask::kAlign);
  });
}

}  // namespace engine
