// One pretraining run: reads and tokenises the corpus once, then updates until the budget is used
// up.
//
// The folder of the run holds run.json, metrics.jsonl, training_state.safetensors and model/, a
// Hugging Face folder of the newest checkpoint. Everything random is a function of (seed, update,
// place), and the state says where the data was: a run that was interrupted, by Ctrl-C or by kill
// -9, goes on from its last checkpoint with the same bits. (With --minutes the learning rate
// follows the clock, so two runs are never the same.)
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "apps/common/progress.h"
#include "apps/pretrain/objective.h"
#include "apps/pretrain/workers.h"
#include "data/corpus.h"
#include "data/masking.h"
#include "data/packing.h"
#include "data/tokenizer.h"
#include "engine/base/timer.h"
#include "engine/io/run_folder.h"
#include "engine/io/training_state.h"
#include "engine/optim/adamw.h"
#include "engine/optim/schedule.h"

namespace apps {

class Pretrainer {
 public:
  // Sets everything up; with options.resume, where the last checkpoint was.
  explicit Pretrainer(const PretrainOptions& options);
  ~Pretrainer();

  // Until the budget is used up or a signal asks to stop; saves in both cases.
  // Whether the budget is used up: a signal during the last step changes nothing.
  bool run();

  int64_t step() const { return step_; }
  const engine::ParameterStore& store() const { return *store_; }
  // For tests: leave run() after this update without saving, as kill -9 would.
  void abandon_after(int64_t step) { abandon_ = step; }

 private:
  struct Stream {  // sequences of one length
    std::unique_ptr<data::PackedCorpus> packed;
    std::unique_ptr<data::CorpusBatches> batches;
  };

  void open_corpus();
  void make_model();
  void load();
  void save();
  double used() const;  // part of the budget, 0 ... 1
  double seconds() const { return seconds_before_ + timer_.seconds(); }
  bool short_now() const { return options_.short_length > 0 && used() < options_.short_part; }
  void update();
  void compute_part(const Workers::Order& order, int part, Workers::Result& result);
  void log();
  std::vector<Score> evaluate();
  void write_evaluation();
  void say(const std::string& line);
  void show();

  PretrainOptions options_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  std::unique_ptr<engine::RunFolder> folder_;
  std::unique_ptr<data::Corpus> corpus_;
  std::unique_ptr<data::Masking> masking_;
  Stream long_, short_, held_out_;
  std::unique_ptr<Objective> objective_;
  std::unique_ptr<engine::ParameterStore> store_;
  std::unique_ptr<engine::AdamW> optimizer_;
  std::unique_ptr<engine::Schedule> schedule_;
  std::unique_ptr<Workers> workers_;
  engine::Workspace workspace_;
  engine::TokenBatch batch_;
  data::MaskedTokens masked_;
  std::unique_ptr<Progress> progress_;

  int64_t step_ = 0, abandon_ = -1;
  double tokens_ = 0;
  double seconds_before_ = 0;
  engine::Timer timer_;
  double peak_gflops_ = 0;

  // Since the last line of metrics.jsonl.
  struct Window {
    std::vector<Score> scores;
    double tokens = 0, flops = 0, seconds = 0;
    double grad_norm = 0, lr = 0;
    int64_t skipped = 0;
  } window_;
  std::string last_evaluation_;
};

}  // namespace apps
