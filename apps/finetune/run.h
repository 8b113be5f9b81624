// A fine-tuning run from settings to record: train, evaluate, save, and continue where a run was
// stopped.
#pragma once

#include <functional>
#include <iosfwd>

#include "apps/finetune/settings.h"

namespace apps {

struct RunIo {
  std::ostream& out;  // the header and the summary
  std::function<int()>
      stopped;  // a signal number when the run should stop after the update in hand, else 0
  int progress_terminal = -1;  // ProgressOptions::terminal
};

struct RunResult {
  engine::Json record;    // run.json
  bool finished = false;  // false: it was stopped, and can be resumed
};

// Trains. In settings.out: run.json, metrics.jsonl, predictions.tsv, submission/ (GLUE test sets),
// adapter/ (the trained parameters only), training_state.safetensors (for --resume). Errors are
// engine::Error; what was saved before stays.
RunResult run_finetune(FinetuneSettings settings, const RunIo& io);

}  // namespace apps
