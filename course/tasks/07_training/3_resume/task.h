// Task 7.3: the state of a training.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace task {

// A training of three parameters on eleven numbers, three in a batch. Everything about it is here;
// step() is one update. Read it and ask of every member: can it be computed again?
class Training {
 public:
  explicit Training(uint64_t seed) : seed_(seed) { start_epoch(); }

  void step() {
    double gradient[3] = {0, 0, 0};
    for (int k = 0; k < 3; ++k) {
      if (position_ == order_.size()) {
        ++epoch_;
        start_epoch();
      }
      const double x = 0.3 * order_[position_++] - 1;
      const double error = parameters_[0] + x * (parameters_[1] + x * parameters_[2]) - std::sin(x);
      const double kept = random(step_, k) % 4 ? 1.0 : 0.0;  // dropout
      gradient[0] += kept * error, gradient[1] += kept * error * x, gradient[2] += error * x * x;
    }
    const double rate = 0.1 / (1 + 0.1 * static_cast<double>(step_));  // a schedule
    for (size_t i = 0; i < 3; ++i) {
      momentum_[i] = 0.9 * momentum_[i] + gradient[i];
      parameters_[i] -= rate * momentum_[i];
    }
    ++step_;
  }
  const std::vector<double>& parameters() const { return parameters_; }

  // What must be written to a file so that load() can go on with it: as few numbers as possible.
  // The test allows 9.
  std::vector<double> save() const;
  // Goes on with what save() gave. The object was made with the same seed, and may have made some
  // steps of its own.
  void load(const std::vector<double>& saved);

 private:
  // A function: the same numbers give the same result, always.
  uint64_t random(uint64_t a, uint64_t b) const {
    uint64_t z = seed_ + 0x9E3779B97F4A7C15ull * (1 + a) + 0xD1B54A32D192ED03ull * (1 + b);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  // The order of the data in this epoch.
  void start_epoch() {
    order_.resize(11);
    std::iota(order_.begin(), order_.end(), 0);
    for (size_t i = order_.size(); i-- > 1;)
      std::swap(order_[i], order_[random(1000000 + epoch_, i) % (i + 1)]);
    position_ = 0;
  }

  uint64_t seed_;
  std::vector<double> parameters_{0, 0, 0}, momentum_{0, 0, 0};
  uint64_t step_ = 0, epoch_ = 0;
  std::vector<int> order_;
  size_t position_ = 0;
};

}  // namespace task
