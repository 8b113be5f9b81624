#include "engine/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/base/error.h"

namespace engine {

const std::vector<std::string>& Schedule::names() {
  static const std::vector<std::string> known{"linear", "cosine", "constant",
                                              "constant_with_warmup"};
  return known;
}

Schedule::Schedule(std::string_view name, int64_t total, int64_t warmup, Warmup start)
    : name_(name), total_(total), warmup_(warmup), start_(start) {
  const auto& known = names();
  if (std::find(known.begin(), known.end(), name_) == known.end()) {
    std::string list;
    for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
    fail("schedule", "there is none named '", name_, "'", hint("known are " + list));
  }
  check(total >= 0 && warmup >= 0, "schedule", total, " updates with ", warmup,
        " of warm-up: neither may be negative");
  check(warmup <= total, "schedule", "a warm-up of ", warmup,
        " updates is longer than the whole training of ", total);
}

double Schedule::factor(int64_t updates_made) const {
  const auto s = static_cast<double>(updates_made), w = static_cast<double>(warmup_),
             t = static_cast<double>(total_);
  if (updates_made < warmup_)
    return start_ == Warmup::above_zero ? (s + 1) / (w + 1) : s / std::max(1.0, w);
  if (name_ == "linear") return std::max(0.0, (t - s) / std::max(1.0, t - w));
  if (name_ == "cosine") {
    // Behind the end the formula would rise again; stay at its last value, as linear does.
    const double progress = std::min(1.0, (s - w) / std::max(1.0, t - w));
    return std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * progress)));
  }
  return 1;
}

int64_t warmup_updates(int64_t total, double ratio) {
  check(ratio >= 0 && ratio <= 1, "schedule", "a warm-up ratio of ", ratio,
        " is not between 0 and 1");
  return static_cast<int64_t>(std::ceil(static_cast<double>(total) * ratio));
}

}  // namespace engine
