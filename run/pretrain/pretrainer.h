// One pretraining run: reads and tokenises the corpus once, then updates until the budget is used
// up.
//
// The folder of the run holds run.json, metrics.jsonl, training_state.safetensors and model/, a
// Hugging Face folder of the newest checkpoint. Everything random is a function of (seed, update,
// place), and the state says where the data was: a run that was interrupted, by Ctrl-C or by kill
// -9, goes on from its last checkpoint with the same bits. (With --minutes the learning rate
// follows the clock, so two runs are never the same.)
#pragma once

#include <memory>
#include <vector>

#include "engine/base/timer.h"
#include "engine/dist/group.h"
#include "engine/io/run_folder.h"
#include "engine/io/training_state.h"
#include "engine/optim/adamw.h"
#include "engine/train/trainer.h"
#include "run/pretrain/objective.h"
#include "run/pretrain/streams.h"
#include "run/pretrain/watcher.h"

namespace run {

class Pretrainer {
 public:
  // Sets everything up; with settings.resume, where the last checkpoint was. Keeps the watcher.
  Pretrainer(const PretrainSettings& settings, PretrainWatcher& watcher);
  ~Pretrainer();

  // Until the budget is used up or the watcher asks to stop; saves in both cases.
  // Whether the budget is used up: a stop during the last update changes nothing.
  bool run();

  // For watchers and tests.
  struct Window {  // since the last line of metrics.jsonl
    std::vector<Score> scores;
    double tokens = 0, flops = 0, seconds = 0;
    double grad_norm = 0, lr = 0;
    int64_t skipped = 0;
  };
  const PretrainSettings& settings() const { return settings_; }
  const engine::ParameterStore& store() const { return *store_; }
  const Objective& objective() const { return *objective_; }
  const Streams& streams() const { return streams_; }
  const Window& window() const { return window_; }
  int64_t step() const { return step_; }
  double tokens() const { return tokens_; }
  double peak_gflops() const { return peak_gflops_; }
  double used() const;  // part of the budget, 0 ... 1
  // For tests: leave run() after this update without saving, as kill -9 would.
  void abandon_after(int64_t step) { abandon_ = step; }

 private:
  struct Order;
  void make_model();
  void make_trainer(int workers);
  void load();
  void save();
  double seconds() const { return seconds_before_ + timer_.seconds(); }
  bool short_now() const { return settings_.short_length > 0 && used() < settings_.short_part; }
  int64_t part_tokens() const { return settings_.batch_tokens / settings_.grad_accumulation; }
  void update();
  void compute_part(const Order& order, int part, engine::Group::Result& result);
  void log();
  void reset_window();
  std::vector<Score> evaluate();
  void write_evaluation();

  PretrainSettings settings_;
  PretrainWatcher& watcher_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  std::unique_ptr<engine::RunFolder> folder_;
  Streams streams_;
  std::unique_ptr<Objective> objective_;
  std::unique_ptr<engine::ParameterStore> store_;
  std::unique_ptr<engine::AdamW> optimizer_;
  std::unique_ptr<engine::Schedule> schedule_;
  engine::Workspace workspace_;
  std::unique_ptr<engine::Trainer> trainer_;
  std::unique_ptr<engine::Group> group_;

  // Of the part in hand.
  engine::TokenBatch batch_;
  uint64_t key_ = 0;
  std::vector<Score> scores_;

  int64_t step_ = 0, abandon_ = -1;
  double tokens_ = 0;
  double seconds_before_ = 0;
  engine::Timer timer_;
  double peak_gflops_ = 0;
  Window window_;
};

}  // namespace run
