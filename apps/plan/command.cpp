#include "apps/plan/command.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "apps/common/command_line.h"
#include "apps/common/main_guard.h"
#include "apps/common/precision_flags.h"
#include "apps/common/table.h"
#include "apps/plan/explain.h"
#include "apps/plan/table.h"
#include "data/glue.h"
#include "engine/base/threads.h"
#include "models/gguf.h"
#include "models/pretrained.h"
#include "run/by_name.h"

namespace apps {

namespace fs = std::filesystem;

std::string plan_answer(const PlanRequest& request) {
  engine::Json config;
  std::string where = request.model;
  if (models::is_random_model(request.model)) {
    config = models::config_from_spec(request.model, 30522).json;
  } else {
    const fs::path path(run::by_name(request.model, run::Need::config));
    const auto gguf = models::gguf_of(path);
    const fs::path file = gguf ? *gguf : fs::is_directory(path) ? path / "config.json" : path;
    where = file.string();
    config = gguf ? models::gguf_config(engine::Gguf::open(file)) : engine::json_file(file);
  }
  if (request.explain) {
    if (request.strategy.empty())
      throw UsageError("--explain needs --strategy\nhint: for instance --strategy lora:r=8");
    return explain_text(run::explain(config, request.strategy, request.num_labels, where),
                        terminal_width());
  }
  const int64_t longest = models::config_from_json(config, where).longest_sequence();
  run::PlanOptions options;
  options.batch = request.batch_size;
  options.length = request.max_length ? request.max_length : std::min<int64_t>(128, longest);
  options.target_length = request.max_target_length;
  options.piece_tokens = request.micro_batch_tokens;
  options.num_labels = request.num_labels;
  options.dropout = request.dropout;
  engine::set_threads(request.threads);
  std::vector<run::Plan> plans;
  if (request.strategy.empty())
    plans = run::make_plans(config, run::all_strategies(), options, where);
  else
    plans.push_back(run::make_plan(config, request.strategy, options, where));
  if (request.json) return engine::json_text(run::plans_json(plans), 2) + "\n";
  return plans.size() == 1 ? plan_text(plans.front()) : plan_table(plans, terminal_width());
}

int plan_command(int argc, const char* const* argv) {
  PlanRequest request;
  std::string task;
  CommandLine line("peft plan",
                   "Says what a training step costs, from a config.json alone: parameters, matrix "
                   "products, bytes saved for backward, memory. Nothing is trained.");
  const auto text = [](std::string& into) { return cxxopts::value<std::string>(into); };
  const auto number = [](int64_t& into) { return number_flag(into); };
  auto add = line.options.add_options();
  add("model", "name on the hub, config.json, its folder, or random:layers=12,hidden=768",
      text(request.model), "MODEL");
  add("strategy", "for instance lora:r=8 (all are compared)", text(request.strategy), "SPEC");
  add("batch-size", "sequences of a step (32)", number(request.batch_size), "N");
  add("max-length", "tokens of each (128, or what the model has)", number(request.max_length), "N");
  add("max-target-length", "tokens of each output of an encoder-decoder (as --max-length)",
      number(request.max_target_length), "N");
  add("micro-batch-tokens", "computed at a time, 0: all (as peft finetune)",
      number(request.micro_batch_tokens), "N");
  add("task", "GLUE task whose classes the head has", text(task), "NAME");
  add("num-labels",
      "classes of the head, 1: a regression (the config's; a causal model learns the next word)",
      number_flag(request.num_labels), "N");
  add("threads", "0: all", number_flag(request.threads), "N");
  add("explain", "what --strategy adds to the model, what learns, and a drawing of a block",
      cxxopts::value<bool>(request.explain));
  add("json", "JSON instead of text", cxxopts::value<bool>(request.json));
  if (argc == 1) {
    std::cout << "usage: peft plan --model CONFIG [--strategy SPEC] [--batch-size N]\n"
                 "                 [--max-length N] [--json]\n"
                 "peft plan --help explains all flags.\n";
    return 2;
  }
  PrecisionFlags precision;
  precision.add_to(line.options);
  line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  if (request.model.empty())
    throw UsageError(
        "plan: --model is needed\nhint: give a folder, a config.json (weights are not needed), or "
        "random:layers=12,hidden=768");
  if (!task.empty()) request.num_labels = data::glue_task(task).outputs();
  engine::set_precision(precision.chosen());  // the plan may be for another machine
  std::cout << plan_answer(request);
  return 0;
}

}  // namespace apps
