// The goldens' training run: AdamW with weight decay, linear schedule with warm-up, clipping; no
// dropout.
#pragma once

#include "engine/optim/adamw.h"
#include "engine/optim/schedule.h"
#include "tests/models/subject.h"

namespace testing {

struct StepRecord {
  double lr, loss, grad_norm;
};

class GoldenRun {
 public:
  // `golden`: a steps/<slug>.json, of which the settings are read.
  GoldenRun(Subject& subject, const Json& golden)
      : subject_(subject),
        lr_(golden["optimizer"]["lr"].get<double>()),
        max_norm_(golden["max_grad_norm"].get<double>()),
        schedule_(golden["schedule"]["name"].get<std::string>(),
                  golden["schedule"]["total_steps"].get<int64_t>(),
                  golden["schedule"]["warmup_steps"].get<int64_t>()),
        optimizer_(subject.store->block(), options(golden["optimizer"])) {}

  StepRecord step(const engine::TokenBatch& batch, const engine::GraphOptions& graph = {}) {
    const double lr = lr_ * schedule_.factor(optimizer_.steps());
    const double loss = subject_.backward(batch, graph);
    const engine::Clip clip = engine::clip_gradients(subject_.store->block(), max_norm_);
    optimizer_.step(lr, clip.scale);
    return {lr, loss, clip.norm};
  }

 private:
  static engine::AdamWOptions options(const Json& json) {
    engine::AdamWOptions o;
    o.beta1 = json["betas"][0].get<double>();
    o.beta2 = json["betas"][1].get<double>();
    o.eps = json["eps"].get<double>();
    o.weight_decay = json["weight_decay"].get<double>();
    return o;
  }

  Subject& subject_;
  double lr_, max_norm_;
  engine::Schedule schedule_;
  engine::AdamW optimizer_;
};

}  // namespace testing
