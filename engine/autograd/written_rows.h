// Which rows of a table's gradient a backward wrote: one bit each. The other rows are zero in
// memory, so whoever reads the whole gradient reads right, and whoever looks here reads less: of a
// vocabulary of 30,522 words a batch of sentences has some hundreds.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace engine {

class WrittenRows {
 public:
  static constexpr int64_t kGroup = 64;  // rows whose bits are one number: loops are cut there

  explicit WrittenRows(int64_t rows)
      : rows_(rows), groups_(static_cast<size_t>((rows + kGroup - 1) / kGroup)) {}

  void add(int64_t row) {
    groups_[static_cast<size_t>(row / kGroup)] |= uint64_t{1} << (row % kGroup);
  }
  void add_all() {
    std::fill(groups_.begin(), groups_.end(), ~uint64_t{0});
    if (rows_ % kGroup) groups_.back() = (uint64_t{1} << (rows_ % kGroup)) - 1;
  }
  void clear() { std::fill(groups_.begin(), groups_.end(), uint64_t{0}); }

  bool has(int64_t row) const {
    return groups_[static_cast<size_t>(row / kGroup)] >> (row % kGroup) & 1;
  }
  int64_t count() const {
    int64_t n = 0;
    for (const uint64_t bits : groups_) n += std::popcount(bits);
    return n;
  }

  int64_t groups() const { return static_cast<int64_t>(groups_.size()); }
  uint64_t& group(int64_t i) { return groups_[static_cast<size_t>(i)]; }
  uint64_t group(int64_t i) const { return groups_[static_cast<size_t>(i)]; }
  // Of the rows in group i: [first_of(i), end_of(i)).
  int64_t first_of(int64_t i) const { return i * kGroup; }
  int64_t end_of(int64_t i) const { return std::min(rows_, (i + 1) * kGroup); }

 private:
  int64_t rows_;
  std::vector<uint64_t> groups_;
};

}  // namespace engine
