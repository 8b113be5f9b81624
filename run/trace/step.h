// One training step, told in order: every op forward, backward, the update. It reads what the
// engine records of any op (Trace, Counters, OpListener), so a new op needs nothing here.
//
//   TraceSettings settings;
//   settings.finetune.model = "random:layers=2,hidden=128";
//   settings.finetune.strategy = "bitfit";
//   const StepTrace step = trace_step(settings);
//
// What a strategy saves is told by comparison: the same step is run dry with every parameter
// trainable, and what is missing here was skipped.
#pragma once

#include <string>
#include <vector>

#include "engine/autograd/graph.h"
#include "engine/base/counters.h"
#include "engine/io/json.h"
#include "run/settings.h"

namespace run {

struct TraceSettings {
  // With data or own files: the first batch of that run. Else a made-up batch of the task's kind.
  FinetuneSettings finetune;
  int num_labels = 0;  // of a made-up batch whose task does not say: the model's, if 0
  int64_t length = 8;  // tokens of each made-up sequence
  bool dry = false;    // shapes and counts alone: no values, no times
};

struct TraceInput {
  int op = -1;       // index in StepTrace::ops, or -1
  std::string name;  // of a parameter, else empty. Neither: what the step began with
  engine::Shape shape;
  bool trains = false;  // a parameter that learns, or an op's result that needs a gradient
};

struct TracedOp {
  std::string op, module, frame;  // trace_places.h
  engine::Shape shape;            // of its result
  bool recorded = false;          // on the tape
  std::vector<TraceInput> inputs;
  std::vector<engine::SavedTensor> saved;  // ids are indices of `inputs`, -1: made by the op
  engine::Counters forward, backward;      // products made; saved_bytes
  engine::Counters skipped;  // products that backward would make if every parameter learned
};

struct TraceStep {
  enum class Pass { forward, backward, update } pass = Pass::forward;
  int op = -1;       // index of ops; -1 in the update
  std::string what;  // of the update: "clip", "adamw"
  double seconds = 0;
  int64_t live_bytes = 0;   // of all tensors of the step, after it
  int64_t saved_bytes = 0;  // of what was saved for backward and is still waited for
};

struct StepTrace {
  std::string model, model_type, strategy, task, kind;
  int64_t sequences = 0, tokens = 0, total_parameters = 0, trainable_parameters = 0;
  int threads = 0;
  bool timed = false;
  double loss = 0, grad_norm = 0, lr = 0;  // if timed
  std::vector<TracedOp> ops;               // in the order of the forward pass
  std::vector<TraceStep> steps;            // all of it in order
  engine::Counters made, all_trained;  // of the step, and of one in which every parameter learns
};

// Throws engine::Error as finetune does. The step is computed at once, not in micro-batches; a
// first one, not shown, warms memory up.
StepTrace trace_step(const TraceSettings& settings);

// Sentences about an op: what it saved and for which gradient, what it did not and why; which
// products backward makes or leaves out. "(shared)": an op before had saved the same memory.
std::vector<std::string> forward_notes(const StepTrace& trace, const TracedOp& op);
std::vector<std::string> backward_notes(const StepTrace& trace, const TracedOp& op);

engine::Json trace_json(const StepTrace& trace);

}  // namespace run
