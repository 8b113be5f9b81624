#include "task.h"

namespace task {

std::vector<double> Training::save() const {
  std::vector<double> all = parameters_;
  all.insert(all.end(), momentum_.begin(), momentum_.end());
  all.push_back(static_cast<double>(step_));
  all.push_back(static_cast<double>(epoch_));
  all.push_back(static_cast<double>(position_));
  return all;
}

void Training::load(const std::vector<double>& saved) {
  parameters_.assign(saved.begin(), saved.begin() + 3);
  momentum_.assign(saved.begin() + 3, saved.begin() + 6);
  step_ = static_cast<uint64_t>(saved[6]);
  epoch_ = static_cast<uint64_t>(saved[7]);
  start_epoch();
  position_ = static_cast<size_t>(saved[8]);
}

}  // namespace task
