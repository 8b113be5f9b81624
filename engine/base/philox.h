// Counter-based random numbers: Philox4x32 (Salmon et al., "Parallel random numbers: as easy as 1,
// 2, 3", SC 2011).
//
// A number is a function of (key, counter), so nothing is stored and nothing is sequential: dropout
// masks are computed again in backward, a resumed run continues bit for bit, and the number of
// threads does not matter.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace engine {

// Of Philox4x32: the multipliers of a round and what the key grows by after it.
inline constexpr uint32_t kPhiloxM0 = 0xD2511F53, kPhiloxM1 = 0xCD9E8D57, kPhiloxW0 = 0x9E3779B9,
                          kPhiloxW1 = 0xBB67AE85;

// Ten rounds, as the paper recommends; output word i depends on every bit of the key and the
// counter.
inline std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter_low, uint64_t counter_high) {
  std::array<uint32_t, 4> c{
      static_cast<uint32_t>(counter_low), static_cast<uint32_t>(counter_low >> 32),
      static_cast<uint32_t>(counter_high), static_cast<uint32_t>(counter_high >> 32)};
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{kPhiloxM0} * c[0], p1 = uint64_t{kPhiloxM1} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += kPhiloxW0;
    k1 += kPhiloxW1;
  }
  return c;
}

// 64-bit FNV-1a: a stable key for a name (initial values are keyed by the parameter's name).
inline uint64_t name_key(std::string_view name) {
  uint64_t h = 14695981039346656037ull;
  for (const char ch : name) h = (h ^ static_cast<unsigned char>(ch)) * 1099511628211ull;
  return h;
}

// A mixer of keys (splitmix64's finaliser): mix(seed, step) and the like.
inline uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t z = a + 0x9E3779B97F4A7C15ull * (b + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

// A sequential reader of one Philox stream, for code that wants the next number (shuffles, initial
// values).
class Random {
 public:
  explicit Random(uint64_t key, uint64_t stream = 0) : key_(key), stream_(stream) {}

  uint32_t bits() {
    if (used_ == 4) {
      block_ = philox(key_, counter_++, stream_);
      used_ = 0;
    }
    return block_[static_cast<size_t>(used_++)];
  }
  // Uniform in (0, 1).
  double uniform() { return (bits() + 0.5) * (1.0 / 4294967296.0); }
  // Uniform integer in [0, n), n > 0, without modulo bias worth mentioning (multiply-shift).
  uint64_t below(uint64_t n) {
    const uint64_t x = (uint64_t{bits()} << 32) | bits();
    return static_cast<uint64_t>((static_cast<unsigned __int128>(x) * n) >> 64);
  }
  // Standard normal (Box and Muller).
  double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double r = std::sqrt(-2.0 * std::log(uniform())),
                 angle = 6.283185307179586477 * uniform();
    spare_ = r * std::sin(angle);
    has_spare_ = true;
    return r * std::cos(angle);
  }

 private:
  uint64_t key_, stream_, counter_ = 0;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
  bool has_spare_ = false;
  double spare_ = 0;
};

}  // namespace engine
