// An update's parts on several processes, a core each: they meet once an update, where threads meet
// at every op.
//
// The processes are forks of this one with memory in common: the values of the model, and one
// gradient a part. Each worker computes parts p with p mod count = its number; number 0 is this
// process. The parts' gradients are summed in their order, so the result does not depend on how
// many workers there are, bit for bit. A worker ends with the process that made it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/nn/parameter_store.h"

namespace apps {

class Workers {
 public:
  static constexpr int kMostParts = 64, kNumbers = 8;
  // What all processes are told of an update: where in the corpus its parts begin. And what a part
  // gives back.
  struct Order {
    int64_t step = 0;
    bool short_now = false;
    int64_t epoch[kMostParts] = {}, position[kMostParts] = {};
  };
  struct Result {
    double numbers[kNumbers] = {};
    char error[512] = {};  // the message, if the part threw
  };
  // Computes one part into the store's gradient block; all gradients are settled when it returns.
  using Compute = std::function<void(const Order&, int part, Result&)>;

  // Forks count - 1 processes; call it while no other thread runs. With one worker nothing is
  // forked.
  Workers(int count, int parts, const engine::ParameterStore::Block& block, Compute compute);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Computes all parts from the block's values; the sum of their gradients is in the block
  // afterwards. Throws engine::Error with a part's message, or if a worker is gone.
  std::span<const Result> run(const Order& order);

  int count() const { return count_; }

 private:
  struct Shared;
  void work(int number);
  [[noreturn]] void serve(int number);
  void wait_for(int number);

  int count_, parts_;
  engine::ParameterStore::Block block_;
  Compute compute_;
  Shared* shared_ = nullptr;
  engine::Scalar* values_ = nullptr;     // (size)
  engine::Scalar* gradients_ = nullptr;  // (parts, size)
  size_t bytes_ = 0;
  std::vector<pid_t> children_;
};

}  // namespace apps
