// --dry-run: what a strategy would train, keep and cost, without weights and without training.
#pragma once

#include <string>

#include "apps/finetune/command.h"

namespace apps {

// The table (or JSON with --json) for --strategy, or for all strategies when none is given. Needs
// --model only: a folder, a config.json or random:...; the number of classes is the task's, or 2.
// A causal model without a task learns the next word.
std::string dry_run(const FinetuneCommand& command);

}  // namespace apps
