// What every optimizer offers: one update of the store's contiguous trainable block.
//
//   AdamW optimizer(store.block(), {.weight_decay = 0.01});
//   const Clip clip = clip_gradients(store.block(), 1.0);
//   optimizer.step(base_lr * schedule.factor(optimizer.steps()), clip.scale);
//
// Gradients must be settled (ParameterStore::settle_gradients) before they are read. A step
// allocates nothing, and its result does not depend on the number of threads, bit for bit.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/nn/parameter_store.h"

namespace engine {

class Optimizer {
 public:
  explicit Optimizer(const ParameterStore::Block& block) : block_(block) {}
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // One update with learning rate `lr`, from gradients multiplied by `grad_scale` (what clipping
  // asks for; the gradients in memory stay as they are).
  void step(double lr, double grad_scale = 1) {
    DryRun::refuse("optimizer");
    update(++steps_, lr, grad_scale);
  }

  int64_t steps() const { return steps_; }           // updates made
  void set_steps(int64_t steps) { steps_ = steps; }  // when resuming
  virtual std::string name() const = 0;              // "adamw", "sgd": goes into the training state

  // The moments by name, for saving and for loading in place. Each is block().size scalars, or
  // absent.
  using State = std::vector<std::pair<std::string, std::span<Scalar>>>;
  virtual State state() = 0;

  const ParameterStore::Block& block() const { return block_; }

 protected:
  virtual void update(int64_t step, double lr, double grad_scale) = 0;  // step counts from 1

  // Zeroed memory for one moment, aligned like the block.
  static std::shared_ptr<Scalar> moment(int64_t size);

 private:
  ParameterStore::Block block_;
  int64_t steps_ = 0;
};

}  // namespace engine
