// The layout of results in huggingface/peft, method_comparison/MetaMathQA (log_results in
// utils.py): run_info, train_info, meta_info. Ours differs where a GPU is meant: the accelerator's
// memory is null, and the process's peak stands beside it.
#include "apps/compare/report.h"

namespace apps {
namespace {

using engine::Json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json run_object(const Run& run) {
  Json metrics = Json::object();
  metrics["step"] = or_null(run.steps);
  for (const auto& [name, value] : run.metrics) metrics["valid " + name] = value;
  metrics["train total tokens"] = or_null(run.cost.train_tokens);
  Json train_config = run.settings;
  train_config["model_id"] = run.model;
  train_config["seed"] = or_null(run.seed);
  Json peft_config = nullptr;
  if (run.strategy != "full") {
    peft_config = run.adapter.is_object() ? run.adapter : Json::object();
    peft_config["peft_type"] = run.strategy;
  }
  return {{"run_info",
           {{"created_at", or_null(run.date)},
            {"total_time", or_null(run.cost.seconds)},
            {"experiment_name", run.strategy + "/" + run.folder_text()},
            {"peft_branch", or_null(run.revision)},
            {"train_config", train_config},
            {"peft_config", peft_config},
            {"error_msg", run.counted() ? "" : run.problem}}},
          {"train_info",
           {{"accelerator_memory_reserved_avg", nullptr},
            {"accelerator_memory_max", nullptr},
            {"accelerator_memory_reserved_99th", nullptr},
            {"process_memory_max", or_null(run.cost.peak_bytes)},
            {"train_time", or_null(run.cost.train_seconds)},
            {"file_size", nullptr},
            {"num_trainable_params", or_null(run.trainable)},
            {"num_total_params", or_null(run.total)},
            {"status", run.counted()                           ? "success"
                       : run.status == Run::Status::unfinished ? "canceled"
                                                               : "failed"},
            {"metrics", Json::array({metrics})}}},
          {"meta_info",
           {{"model_info", {{"sha", or_null(run.model_hash)}, {"created_at", nullptr}}},
            {"dataset_info",
             {{run.task.empty() ? "data" : run.task,
               {{"sha", or_null(run.data_hash)}, {"created_at", nullptr}}}}},
            {"package_info",
             {{"peft.cpp-version", or_null(run.version)},
              {"peft.cpp-commit-hash", or_null(run.revision)},
              {"blas", or_null(run.blas)}}},
            {"system_info", {{"processor", or_null(run.machine)}, {"accelerator", "N/A"}}},
            {"pytorch_info", nullptr}}}};
}

}  // namespace

std::string json_report(const Summary& summary) {
  Json out = Json::array();
  for (const Group& group : summary.comparison->groups)
    for (const Run& run : group.runs) out.push_back(run_object(run));
  for (const Run& run : summary.comparison->uncounted) out.push_back(run_object(run));
  return engine::json_text(out, 2) + "\n";
}

}  // namespace apps
