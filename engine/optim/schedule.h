// Learning-rate schedules by Hugging Face's names: the factor on the base learning rate.
//
// With s the number of updates already made (0 for the first), W warm-up updates and T updates in
// all:
//   s < W      s / max(1, W)        Warmup::from_zero, as transformers: the first update has rate 0
//              (s + 1) / (W + 1)    Warmup::above_zero: every update learns
//   linear     max(0, (T - s) / max(1, T - W))
//   cosine     max(0, (1 + cos(pi (s - W) / max(1, T - W))) / 2)        half a period
//   constant   1; with W > 0 it is what Hugging Face calls constant_with_warmup, a name that works
//              as well
// Source: transformers/optimization.py (get_linear_schedule_with_warmup and its siblings).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

enum class Warmup { from_zero, above_zero };

class Schedule {
 public:
  // Throws engine::Error that lists the names for an unknown one, for negative numbers, and for a
  // warm-up longer than the training.
  Schedule(std::string_view name, int64_t total, int64_t warmup = 0,
           Warmup start = Warmup::from_zero);

  double factor(int64_t updates_made) const;  // in [0, 1]

  const std::string& name() const { return name_; }
  int64_t total() const { return total_; }
  int64_t warmup() const { return warmup_; }

  static const std::vector<std::string>& names();

 private:
  std::string name_;
  int64_t total_, warmup_;
  Warmup start_;
};

// The Trainer's warmup_ratio: ceil(total * ratio); ratio in [0, 1].
int64_t warmup_updates(int64_t total, double ratio);

}  // namespace engine
