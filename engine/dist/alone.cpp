#include <cstring>
#include <vector>

#include "engine/base/error.h"
#include "engine/dist/group.h"
#include "engine/tensor/parallel.h"

namespace engine {
namespace {

class Alone final : public Group {
 public:
  Alone(int parts, const ParameterStore::Block& block, Compute compute)
      : block_(block), compute_(std::move(compute)), results_(static_cast<size_t>(parts)) {
    check(parts >= 1 && parts <= kMostParts, "group", parts, " parts; expected 1 to ", kMostParts);
    // One part leaves its gradient where it belongs.
    if (parts > 1) gradients_.resize(static_cast<size_t>(parts * block.size));
  }

  int size() const override { return 1; }

  std::span<const Result> run(Order order) override {
    const int parts = static_cast<int>(results_.size());
    for (int part = 0; part < parts; ++part) {
      Result& result = results_[static_cast<size_t>(part)] = {};
      compute_(order, part, result);
      if (parts > 1)
        std::memcpy(gradients_.data() + part * block_.size, block_.grad,
                    static_cast<size_t>(block_.size) * sizeof(Scalar));
    }
    if (parts > 1) sum_parts(block_, gradients_.data(), block_.size, parts);
    return results_;
  }

 private:
  ParameterStore::Block block_;
  Compute compute_;
  std::vector<Result> results_;
  std::vector<Scalar> gradients_;  // (parts, size)
};

}  // namespace

void sum_parts(const ParameterStore::Block& block, const Scalar* gradients, int64_t stride,
               int parts) {
  block.wrote_all();
  parallel_for(
      block.size, parts + 1,
      [&](int64_t begin, int64_t end) {
        constexpr int64_t kChunk = 4096;
        for (int64_t at = begin; at < end; at += kChunk) {
          const int64_t n = std::min(kChunk, end - at);
          RowMap sum(block.grad + at, n);
          sum = ConstRowMap(gradients + at, n);
          for (int part = 1; part < parts; ++part)
            sum += ConstRowMap(gradients + part * stride + at, n);
        }
      },
      16);
}

std::unique_ptr<Group> alone(int parts, const ParameterStore::Block& block,
                             Group::Compute compute) {
  return std::make_unique<Alone>(parts, block, std::move(compute));
}

}  // namespace engine
