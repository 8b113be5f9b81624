// Processes that share the parts of an update and sum their gradients.
//
// A part is a share of an update's data with a gradient of its own. Process r of n computes the
// parts p with p mod n = r, and the gradients are summed in the order of the parts: the same bits
// whatever n is.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "engine/nn/parameter_store.h"

namespace engine {

class Group {
 public:
  static constexpr int kMostParts = 64, kNumbers = 8, kOrderBytes = 2048;
  // What a part says beside its gradient.
  struct Result {
    double numbers[kNumbers] = {};
    char error[512] = {};  // the message, if the part threw
  };
  // What every process is told of an update: the bytes of a plain struct of the caller's.
  using Order = std::span<const std::byte>;
  // Computes one part into the store's gradient block; all gradients are settled when it returns.
  using Compute = std::function<void(Order order, int part, Result& result)>;

  virtual ~Group() = default;
  virtual int size() const = 0;  // processes
  // Computes all parts from the block's values; the sum of their gradients is in the block
  // afterwards. Throws engine::Error with a part's message, or if a process is gone. The results
  // are valid until the next call.
  virtual std::span<const Result> run(Order order) = 0;
  template <class T>
  std::span<const Result> run(const T& order) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kOrderBytes);
    return run(std::as_bytes(std::span(&order, 1)));
  }
};

// All parts in this process.
std::unique_ptr<Group> alone(int parts, const ParameterStore::Block& block, Group::Compute compute);

// Forks count - 1 copies of this process, one thread each, that end with it; call it while no other
// thread runs. They have the model's values and the parts' gradients in common with it. A copy
// calls `begin` first.
std::unique_ptr<Group> forked(int count, int parts, const ParameterStore::Block& block,
                              Group::Compute compute, std::function<void()> begin = {});

// grad = gradients[0] + gradients[1] + ..., in this order; each is `stride` apart and block.size
// long.
void sum_parts(const ParameterStore::Block& block, const Scalar* gradients, int64_t stride,
               int parts);

}  // namespace engine
