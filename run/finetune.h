// A fine-tuning run from settings to record: train, evaluate, save, and continue where a run was
// stopped.
#pragma once

#include "run/settings.h"
#include "run/watcher.h"

namespace run {

struct RunResult {
  engine::Json record;    // run.json
  bool finished = false;  // false: it was stopped, and can be resumed
};

// Trains. In settings.out: run.json, metrics.jsonl, predictions.tsv, submission/ (GLUE test sets),
// adapter/ (the trained parameters only), training_state.safetensors (for --resume). Errors are
// engine::Error; what was saved before stays.
RunResult finetune(FinetuneSettings settings, Watcher& watcher);

}  // namespace run
