// What a run says of itself in run.json.
#pragma once

#include "run/session.h"

namespace run {

// Totals of a run over all its parts (a resumed run goes on counting); kept in the training state.
struct RunTotals {
  double seconds = 0;        // training and evaluation
  double train_seconds = 0;  // updates only
  int64_t tokens = 0;        // of updates
  int64_t gemm_calls = 0;
  double forward_flops = 0, input_gradient_flops = 0, weight_gradient_flops = 0;
  double recomputed_flops = 0;
  int64_t saved_bytes_peak = 0;  // kept for backward, of the largest batch
  int64_t pool_bytes_peak = 0;   // tensors alive at once
  int64_t resident_bytes_peak = 0;
  double flops() const {
    return forward_flops + input_gradient_flops + weight_gradient_flops + recomputed_flops;
  }
  double tokens_per_second() const {
    return train_seconds > 0 ? static_cast<double>(tokens) / train_seconds : 0;
  }
  engine::Json to_json() const;
  static RunTotals from_json(const engine::Json& json);
};

// Parameters of a run: `total` includes what the strategy injected, as Hugging Face PEFT counts,
// but each head once.
struct ParameterCounts {
  int64_t trainable = 0, total = 0, head = 0, injected = 0;
};
ParameterCounts count_parameters(const engine::ParameterStore& store);

// {"examples", "tokens", "truncated", "lengths": {"median", "p95", "longest"}, "classes"?: {name:
// n}}
engine::Json describe_split(const tasks::Task& task, const data::EncodedSplit& split);

// Fields of run.json that are known before training: task, model, strategy, counts, data, machine,
// versions.
engine::Json describe_run(const Session& session, const FinetuneSettings& settings);
// Fields that training adds.
engine::Json describe_totals(const RunTotals& totals);

}  // namespace run
