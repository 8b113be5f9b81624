// What a pretraining run is told: the flags of peft pretrain, their defaults and their checks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/json.h"

namespace run {

struct PretrainSettings {
  std::vector<std::string>
      corpus;  // files, "-" for standard input; may be empty when the cache exists
  std::filesystem::path tokenizer;  // a Hugging Face folder
  std::filesystem::path cache;      // of the tokenised corpus; empty: <out>/corpus.cache
  std::string model = "random:layers=4,hidden=256,heads=4,ffn=1024";
  std::string objective = "mlm";  // mlm, rtd, causal, denoise
  std::filesystem::path out;
  bool resume = false;

  // What ends the run and what its schedule is measured in: the budget that is used up most. 0: no
  // such budget.
  int64_t steps = 0;
  double tokens = 0;
  double minutes = 0;  // of this program at work, all its starts together

  int max_length = 128;
  int short_length = 0;                // sequences of this length first, ...
  double short_part = 0;               // ... for this part of the budget
  int64_t batch_tokens = 8192;         // of one update
  int grad_accumulation = 1;           // parts in which an update's tokens are computed
  double pairs = 0.25, halves = 0.15;  // of mlm and rtd; see data/packing.h
  int held_out = 200;                  // every so many documents
  double mask_rate = 0.15;
  bool whole_word = false;

  std::string positions =
      "random";  // how the position table of a new model starts: random, sinusoids
  double lr = 1e-3;
  std::string schedule = "linear";
  double warmup_ratio = 0.05;
  double weight_decay = 0.01;
  double beta2 = 0.98;
  double max_grad_norm = 1;
  double dropout = 0;       // while pretraining; the exported config.json says 0.1, for fine-tuning
  double generator = 0.25;  // rtd: the generator's width as a part of the model's
  double rtd_weight = 50;
  // denoise: part of the tokens that is hidden, in spans of this mean length, and whether sentences
  // change places
  double noise = 0.3, span_length = 3;
  bool permute_sentences = true;

  uint64_t seed = 1;
  int threads = 0;
  int workers = 0;  // processes that share an update's parts, one thread each; 0: as many as
                    // threads, if that divides
  double save_every = 300;   // seconds
  int64_t eval_every = 250;  // steps
  int64_t eval_tokens = 100'000;
  int64_t log_every = 10;  // steps
  double peak_gflops = 0;  // of all threads; 0: measured at the start
  bool quiet = false;      // no progress line

  // What is written to run.json and compared on resume.
  engine::Json to_json() const;
  // Of those, what a resumed run may change: budgets, threads, how often to save, and the learning
  // rate.
  static const std::vector<std::string>& may_change();
  // Throws engine::Error with what is wrong.
  void check() const;
};

}  // namespace run
