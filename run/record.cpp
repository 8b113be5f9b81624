#include "run/record.h"

#include <algorithm>

#include "engine/base/threads.h"
#include "engine/base/version.h"
#include "engine/tensor/gemm.h"

namespace run {

using engine::Json;

Json RunTotals::to_json() const {
  return {{"seconds", seconds},
          {"train_seconds", train_seconds},
          {"tokens", tokens},
          {"gemm_calls", gemm_calls},
          {"forward_flops", forward_flops},
          {"input_gradient_flops", input_gradient_flops},
          {"weight_gradient_flops", weight_gradient_flops},
          {"recomputed_flops", recomputed_flops},
          {"saved_bytes_peak", saved_bytes_peak},
          {"pool_bytes_peak", pool_bytes_peak},
          {"resident_bytes_peak", resident_bytes_peak}};
}

RunTotals RunTotals::from_json(const Json& json) {
  const std::string where = "training state";
  RunTotals t;
  t.seconds = engine::get<double>(json, "seconds", where);
  t.train_seconds = engine::get<double>(json, "train_seconds", where);
  t.tokens = engine::get<int64_t>(json, "tokens", where);
  t.gemm_calls = engine::get<int64_t>(json, "gemm_calls", where);
  t.forward_flops = engine::get<double>(json, "forward_flops", where);
  t.input_gradient_flops = engine::get<double>(json, "input_gradient_flops", where);
  t.weight_gradient_flops = engine::get<double>(json, "weight_gradient_flops", where);
  t.recomputed_flops = engine::get_or<double>(json, "recomputed_flops", 0, where);
  t.saved_bytes_peak = engine::get<int64_t>(json, "saved_bytes_peak", where);
  t.pool_bytes_peak = engine::get<int64_t>(json, "pool_bytes_peak", where);
  t.resident_bytes_peak = engine::get<int64_t>(json, "resident_bytes_peak", where);
  return t;
}

ParameterCounts count_parameters(const engine::ParameterStore& store) {
  ParameterCounts counts;
  for (const engine::Parameter* p : store.all()) {
    counts.total += p->count();
    if (p->trainable) counts.trainable += p->count();
    if (p->role == engine::Role::head) counts.head += p->count();
    if (p->role == engine::Role::injected) counts.injected += p->count();
  }
  return counts;
}

Json describe_split(const tasks::Task& task, const data::EncodedSplit& split) {
  std::vector<int32_t> lengths;
  for (int64_t i = 0; i < split.size(); ++i) lengths.push_back(split.length(i));
  std::sort(lengths.begin(), lengths.end());
  const auto at = [&](double share) {
    return lengths.empty() ? 0
                           : lengths[std::min(
                                 lengths.size() - 1,
                                 static_cast<size_t>(share * static_cast<double>(lengths.size())))];
  };
  Json json = {{"examples", split.size()},
               {"tokens", split.tokens()},
               {"truncated", split.truncated()},
               {"lengths", {{"median", at(0.5)}, {"p95", at(0.95)}, {"longest", split.longest()}}}};
  const data::TaskInfo& info = task.info();
  if (split.terms() > 0) json["terms"] = split.terms();
  if (!split.labelled() || info.labels.empty()) return json;
  std::vector<int64_t> counts(info.labels.size(), 0);
  for (int64_t i = 0; info.kind == "tag" && i < split.size(); ++i)
    for (const int32_t tag : split.tags(i)) ++counts[static_cast<size_t>(tag)];
  for (size_t i = 0; i < split.labels().size(); ++i)
    if (info.kind == "multilabel")
      counts[i % counts.size()] += split.labels()[i] > 0;
    else
      ++counts[static_cast<size_t>(split.labels()[i])];
  json["classes"] = Json::object();
  for (size_t c = 0; c < counts.size(); ++c) json["classes"][info.labels[c]] = counts[c];
  return json;
}

Json describe_run(const Session& s, const FinetuneSettings& settings) {
  const ParameterCounts counts = count_parameters(*s.store);
  const engine::Machine machine = engine::machine();
  Json splits = Json::object();
  for (const auto& [name, split] : s.splits) splits[name] = describe_split(*s.task, split);
  Json injected = s.strategy->describe();
  return {{"schema", "peft.cpp/run/1"},
          {"status", "running"},
          {"task", s.task->info().key},
          {"task_info", s.task->info().to_json()},
          {"model",
           {{"spec", settings.model},
            {"model_type", s.source.config.facts.model_type},
            {"hash", s.model_hash},
            {"config", s.source.config.to_json()}}},
          {"tokenizer", s.tokenizer->describe()},
          {"max_length", s.max_length},
          {"columns",
           {{"text", s.dataset.columns.text},
            {"text_b", s.dataset.columns.text_b},
            {"label", s.dataset.columns.label}}},
          {"fitted", s.task->fitted()},
          {"working_folder", std::filesystem::current_path().string()},
          {"strategy", s.strategy->name()},
          {"strategy_spec", s.strategy->spec()},
          {"strategy_options", injected},
          {"trainable_parameters", counts.trainable},
          {"total_parameters", counts.total},
          {"head_parameters", counts.head},
          {"injected_parameters", counts.injected},
          {"fresh_parameters", s.fresh},
          {"seed", settings.seed},
          {"data",
           {{"hash", s.data_hash},
            {"train_examples", s.splits.at("train").size()},
            {"splits", splits}}},
          {"git_revision", engine::git_revision()},
          {"engine_version", engine::version()},
          {"compiler", engine::compiler()},
          {"blas", engine::blas_version()},
          {"machine",
           {{"processor", machine.processor},
            {"cores", machine.cores},
            {"threads", engine::threads()},
            {"memory_bytes", machine.memory_bytes},
            {"system", machine.system}}},
          {"notes", s.notes}};
}

Json describe_totals(const RunTotals& t) {
  return {{"seconds", t.seconds},
          {"train_seconds", t.train_seconds},
          {"tokens_per_second", t.tokens_per_second()},
          {"peak_memory_bytes", t.resident_bytes_peak},
          {"counts",
           {{"gemm_calls", t.gemm_calls},
            {"gemm_flops", t.flops()},
            {"forward_flops", t.forward_flops},
            {"input_gradient_flops", t.input_gradient_flops},
            {"weight_gradient_flops", t.weight_gradient_flops},
            {"recomputed_flops", t.recomputed_flops},
            {"saved_bytes_peak", t.saved_bytes_peak},
            {"tensor_bytes_peak", t.pool_bytes_peak},
            {"tokens", t.tokens}}}};
}

}  // namespace run
