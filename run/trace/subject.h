// What is traced: a model with its strategy and task, and a batch for them.
#pragma once

#include "run/session.h"
#include "run/trace/step.h"

namespace run {

// Opened as finetune opens it where there is data; else with a made-up batch.
struct TraceSubject {
  Session session;  // of a made-up batch: the model and the task alone
  engine::TokenBatch batch;
};

TraceSubject open_subject(const TraceSettings& settings);

}  // namespace run
