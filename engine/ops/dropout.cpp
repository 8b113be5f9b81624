#include "engine/ops/dropout.h"

#include <cstring>

#include "engine/base/philox.h"
#include "engine/tensor/parallel.h"

namespace engine {
namespace {

constexpr int kLanes = 8;                    // counters computed side by side, so that the compiler vectorises
constexpr int64_t kBlock = kLanes * 8;       // a counter gives 128 bits: eight 16-bit decisions
static_assert(kBlock == DropoutMask::kAlign);

// Sixty-four 16-bit random numbers for block `index` of the stream `key`. Seven rounds, the fewest that pass BigCrush
// (Salmon et al., table 2): masks need no more. Element order within a block is fixed by this code alone.
inline void random_block(uint64_t key, uint64_t index, uint32_t (&out)[4][kLanes]) {
  uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  const uint64_t first = index * kLanes;
  for (int l = 0; l < kLanes; ++l) {
    c0[l] = static_cast<uint32_t>(first) + static_cast<uint32_t>(l);  // first is a multiple of 8: no carry
    c1[l] = static_cast<uint32_t>(first >> 32);
    c2[l] = 0x243F6A88u;
    c3[l] = 0x85A308D3u;
  }
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 7; ++round) {
    for (int l = 0; l < kLanes; ++l) {
      const uint64_t p0 = uint64_t{0xD2511F53} * c0[l], p1 = uint64_t{0xCD9E8D57} * c2[l];
      const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1[l] ^ k0, n2 = static_cast<uint32_t>(p0 >> 32) ^ c3[l] ^ k1;
      c1[l] = static_cast<uint32_t>(p1);
      c3[l] = static_cast<uint32_t>(p0);
      c0[l] = n0;
      c2[l] = n2;
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  std::memcpy(out[0], c0, sizeof c0);
  std::memcpy(out[1], c1, sizeof c1);
  std::memcpy(out[2], c2, sizeof c2);
  std::memcpy(out[3], c3, sizeof c3);
}

inline void factors(uint64_t key, uint64_t index, uint32_t threshold, Scalar factor, Scalar (&out)[kBlock]) {
  uint32_t words[4][kLanes];
  random_block(key, index, words);
  const uint32_t* w = &words[0][0];
  for (int i = 0; i < 4 * kLanes; ++i) {
    out[i] = (w[i] & 0xFFFFu) < threshold ? Scalar(0) : factor;
    out[i + 4 * kLanes] = (w[i] >> 16) < threshold ? Scalar(0) : factor;
  }
}

}  // namespace

DropoutMask::DropoutMask(uint64_t key, double p) : key_(key) {
  check(p >= 0 && p < 1, "dropout", "probability ", p, " is not in [0, 1)");
  threshold_ = static_cast<uint32_t>(p * 65536 + 0.5);
  // The factor uses the probability that is really drawn, so that the mean is kept exactly.
  factor_ = static_cast<Scalar>(65536.0 / (65536.0 - threshold_));
}

void DropoutMask::fill(int64_t begin, int64_t n, Scalar* out) const {
  Scalar block[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    factors(key_, static_cast<uint64_t>((begin + i) / kBlock), threshold_, factor_, block);
    std::memcpy(out + i, block, static_cast<size_t>(std::min(kBlock, n - i)) * sizeof(Scalar));
  }
}

void DropoutMask::apply(int64_t begin, int64_t n, const Scalar* x, Scalar* y, Scalar beta) const {
  Scalar block[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    factors(key_, static_cast<uint64_t>((begin + i) / kBlock), threshold_, factor_, block);
    const int64_t count = std::min(kBlock, n - i);
    if (beta == 0)
      for (int64_t j = 0; j < count; ++j) y[i + j] = x[i + j] * block[j];
    else
      for (int64_t j = 0; j < count; ++j) y[i + j] += x[i + j] * block[j];
  }
}

Tensor dropout(Graph& g, Tensor x, double p) {
  const DropoutMask mask = DropoutMask::next(g, p);
  if (!mask) return x;
  const Tensor input = x.ghost();
  Tensor y = g.reuse(std::move(x));
  parallel_for(y.size(), 4, [&](int64_t begin, int64_t end) { mask.apply(begin, end - begin, y.data() + begin, y.data() + begin); },
               DropoutMask::kAlign);
  return g.record("dropout", y, {input}, [=](Backward& bw) {
    const GradSink dx = bw.into(input);
    const Scalar* dy = bw.dy().data();
    parallel_for(bw.dy().size(), 4,
                 [&](int64_t begin, int64_t end) { mask.apply(begin, end - begin, dy + begin, dx.data + begin, dx.beta); },
                 DropoutMask::kAlign);
  });
}

}  // namespace engine
