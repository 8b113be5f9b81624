// Run records (run.json, schema peft.cpp/run/1) as `compare` sees them, and runs that differ only
// by seed put together.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/compare/statistics.h"
#include "engine/io/json.h"

namespace apps {

// One run folder. Every field but `folder` and `status` may be absent: records of other versions
// are shown as far as they go. All text is clean_text().
struct Run {
  enum class Status { finished, unfinished, broken };

  std::filesystem::path folder;
  Status status = Status::broken;
  std::string problem;  // why it is not counted: "interrupted at step 120", "run.json: ..."
  std::string task, model, model_hash, data_hash;
  std::string strategy, spec;
  engine::Json settings = engine::Json::object();
  engine::Json config;                    // of the model
  engine::Json adapter;                   // strategy_options: what was injected where
  std::vector<std::string> metric_names;  // whose mean is the score: {"accuracy", "f1"}
  std::map<std::string, double> metrics;  // of the dev set; the mean over both of MNLI's
  std::optional<int64_t> seed, trainable, total, steps;
  std::optional<double> score;

  struct Cost {
    std::optional<double> seconds, train_seconds, tokens_per_second;
    std::optional<double> inference_ms, merged_ms;  // a text at a time, before and after merging
    std::optional<double> gemm_flops, forward_flops, input_gradient_flops, weight_gradient_flops;
    std::optional<int64_t> peak_bytes, saved_bytes, train_tokens;
  } cost;

  struct Data {
    std::optional<int64_t> train_examples, train_tokens, dev_examples, max_length;
  } data;

  // Where and when: for people, never compared.
  std::string machine, revision, version, blas, date, selection;
  std::vector<std::string> notes;

  bool counted() const { return status == Status::finished; }
  double percent() const;           // trainable of total; 0 if unknown
  std::string folder_text() const;  // clean_text() of the path
  std::string metric_text() const;  // "mean of accuracy and f1", "score" if unknown
  std::optional<double> learning_rate() const;
};

// Never throws for what is in the folder: a record that cannot be read is a broken run.
Run read_run(const std::filesystem::path& folder);

// The runs below `path`: itself if it holds a run.json, else all folders in it that do, by name; a
// run.json may be given too. Throws engine::Error if there is no such path or no run in it.
std::vector<Run> find_runs(const std::filesystem::path& path);
// Of several paths; a folder that is found twice counts once.
std::vector<Run> find_runs(const std::vector<std::string>& paths);

// Runs of one experiment: the same task, data, model, strategy and settings, with different seeds.
struct Group {
  std::vector<Run> runs;  // in order of seed, one for each
  std::string differs;    // settings that tell it from others of the same task, model and strategy:
                          // "lr=0.001"
  Statistic inference_ms, merged_ms;
  Statistic score, seconds, tokens_per_second, peak_bytes, saved_bytes;
  Statistic gemm_flops, forward_flops, input_gradient_flops, weight_gradient_flops, train_tokens;
  const Run& first() const { return runs.front(); }
  std::string label() const;  // "lora:r=8", "lora:r=8 lr=0.001"
};

struct Comparison {
  std::vector<Group> groups;   // sorted
  std::vector<Run> uncounted;  // unfinished, broken, or a second run of the same seed
  bool several_models = false;
};

// Keys: "strategy" (by task, then trainable parameters), "score", "trainable", "seconds", "memory",
// "flops". All within a task. Throws engine::Error that lists them for another one.
Comparison compare_runs(std::vector<Run> runs, const std::string& sort_by = "strategy");
const std::vector<std::string>& sort_keys();

}  // namespace apps
