#include "engine/ops/relative_bias.h"

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"

namespace engine {

int32_t RelativeBias::bucket(int64_t distance) const {
  int64_t buckets = table.rows(), first = 0, far = std::max<int64_t>(-distance, 0);
  if (bidirectional) {
    buckets /= 2;
    if (distance > 0) first = buckets;
    far = std::abs(distance);
  }
  const int64_t exact = buckets / 2;
  if (far < exact) return static_cast<int32_t>(first + far);
  const auto e = static_cast<float>(exact);
  const auto whole =
      static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact)));
  const float part =
      std::log(static_cast<float>(far) / e) / whole * static_cast<float>(buckets - exact);
  return static_cast<int32_t>(first + std::min(buckets - 1, exact + static_cast<int64_t>(part)));
}

namespace attending {

DistanceBias::DistanceBias(const RelativeBias& bias, int64_t heads, int64_t back, int64_t ahead,
                           int32_t* buckets)
    : buckets_(buckets), heads_(heads), back_(back), size_(size(back, ahead)) {
  const int64_t rows = bias.table.rows(), exact = rows / (bias.bidirectional ? 4 : 2);
  check(bias.table.cols() == heads, "relative bias", "a table ", bias.table.shape(),
        " does not fit ", heads, " heads");
  check(exact > 0 && bias.max_distance > exact, "relative bias", rows, " buckets for distances of ",
        bias.max_distance,
        hint("relative_attention_num_buckets is at least ", bias.bidirectional ? 4 : 2,
             ", and relative_attention_max_distance greater than a ",
             bias.bidirectional ? "quarter" : "half", " of it"));
  for (int64_t d = -back; d <= ahead; ++d) buckets[d + back] = bias.bucket(d);
}

void DistanceBias::expand(const Tensor& table, Scalar* values) const {
  for (int64_t h = 0; h < heads_; ++h)
    for (int64_t i = 0; i < size_; ++i) *values++ = table.row(buckets_[i])[h];
}

void DistanceBias::collect(const Scalar* sums, Scalar factor, Scalar* gradient) const {
  for (int64_t h = 0; h < heads_; ++h)
    for (int64_t i = 0; i < size_; ++i) gradient[buckets_[i] * heads_ + h] += factor * *sums++;
}

}  // namespace attending
}  // namespace engine
