// Updates by the engine's Trainer with AdamW, for tests that train.
#pragma once

#include "engine/optim/adamw.h"
#include "engine/train/trainer.h"
#include "tests/models/subject.h"

namespace testing {

class Training {
 public:
  Training(engine::Workspace& workspace, engine::ParameterStore& store, engine::Trainer::Loss loss,
           const engine::TrainerOptions& options, const engine::AdamWOptions& adamw = {},
           engine::Schedule schedule = {"constant", 1000})
      : schedule_(std::move(schedule)),
        optimizer_(store.block(), adamw),
        trainer_(workspace, store, optimizer_, schedule_, options, std::move(loss)) {}
  // Neither clipping nor dropout.
  template <class Model>
  Training(Model& model, double lr)
      : Training(model.workspace, *model.store, model.training_loss(),
                 {.lr = lr, .max_grad_norm = 0, .dropout = false}) {}

  Training(const Training&) = delete;

  engine::Update step(const engine::TokenBatch& batch) {
    return trainer_.update([&batch](engine::TokenBatch& next) {
      next = batch;
      return true;
    });
  }

 private:
  engine::Schedule schedule_;
  engine::AdamW optimizer_;
  engine::Trainer trainer_;
};

// The run of a steps/<slug>.json: weight decay, linear schedule with warm-up, clipping.
inline Training golden_run(Subject& subject, const Json& golden,
                           engine::TrainerOptions options = {.dropout = false}) {
  const Json &adamw = golden["optimizer"], &schedule = golden["schedule"];
  options.lr = adamw["lr"].get<double>();
  options.max_grad_norm = golden["max_grad_norm"].get<double>();
  return {subject.workspace,
          *subject.store,
          subject.training_loss(),
          options,
          {.beta1 = adamw["betas"][0].get<double>(),
           .beta2 = adamw["betas"][1].get<double>(),
           .eps = adamw["eps"].get<double>(),
           .weight_decay = adamw["weight_decay"].get<double>()},
          {schedule["name"].get<std::string>(), schedule["total_steps"].get<int64_t>(),
           schedule["warmup_steps"].get<int64_t>()}};
}

}  // namespace testing
