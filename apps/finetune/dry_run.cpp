#include "apps/finetune/dry_run.h"

#include <algorithm>
#include <filesystem>

#include "apps/common/main_guard.h"
#include "apps/common/table.h"
#include "apps/plan/plan.h"
#include "data/glue.h"
#include "engine/base/threads.h"
#include "models/planned.h"
#include "models/pretrained.h"

namespace apps {

namespace fs = std::filesystem;

std::string dry_run(const FinetuneCommand& command) {
  const run::FinetuneSettings& s = command.settings;
  if (s.model.empty())
    throw UsageError(
        "finetune: --dry-run needs --model\nhint: give a folder, a config.json (weights are "
        "not needed), or "
        "random:layers=12,hidden=768");
  PlanOptions options;
  options.batch = s.batch_size;
  engine::set_threads(s.threads);  // attention has a tile of scores for each
  options.piece_tokens = s.piece_tokens;
  options.dropout = s.dropout != 0;
  if (!s.task.empty())
    options.num_labels = data::glue_task(s.task).outputs();
  else if (s.regression)
    options.num_labels = 1;

  engine::Json config;
  std::string where = s.model;
  if (models::is_random_model(s.model)) {
    config = models::config_from_spec(s.model, 30522).to_json();
  } else {
    const fs::path path(s.model);
    const fs::path file = fs::is_directory(path) ? path / "config.json" : path;
    where = file.string();
    config = engine::json_file(file);
  }
  options.length = s.max_length ? s.max_length : 128;
  if (s.max_length == 0 && config.contains("max_position_embeddings") &&
      !models::is_planned_type(config.value("model_type", "")))
    options.length = std::min<int64_t>(options.length,
                                       models::config_from_json(config, where).longest_sequence());
  std::vector<Plan> plans;
  if (s.strategy.empty())
    plans = make_plans(config, all_strategies(), options, where);
  else
    plans.push_back(make_plan(config, s.strategy, options, where));
  if (command.json) return engine::json_text(plans_json(plans), 2) + "\n";
  return plans.size() == 1 ? plan_text(plans.front()) : plan_table(plans, terminal_width());
}

}  // namespace apps
