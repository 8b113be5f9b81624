#include "apps/finetune/dry_run.h"

#include "apps/common/main_guard.h"
#include "apps/plan/command.h"
#include "data/glue.h"
#include "engine/nn/precision.h"
#include "run/texts.h"

namespace apps {

std::string dry_run(const FinetuneCommand& command) {
  const run::FinetuneSettings& s = command.settings;
  if (s.model.empty())
    throw UsageError(
        "finetune: --dry-run and --explain need --model\nhint: give a folder, a config.json "
        "(weights are "
        "not needed), or "
        "random:layers=12,hidden=768");
  PlanRequest request;
  request.model = s.model;
  request.strategy = s.strategy;
  request.batch_size = s.batch_size;
  request.max_length = s.max_length;
  request.max_target_length = s.max_target_length > 0 ? s.max_target_length
                              : s.language()          ? run::kUsualTargetLength
                                                      : 0;
  request.micro_batch_tokens = s.piece_tokens;
  request.dropout = s.dropout != 0;
  request.threads = s.threads;
  request.json = command.json;
  request.explain = command.explain;
  const bool language = s.language();
  if (!s.task.empty() && !language)
    request.num_labels = data::glue_task(s.task).outputs();
  else if (s.regression)
    request.num_labels = 1;
  else if (!s.train.empty() && !language)
    request.num_labels = 2;
  engine::set_precision(engine::parse_precision(s.precision, s.weights));
  return plan_answer(request);
}

}  // namespace apps
