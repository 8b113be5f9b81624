// Everything that a fine-tuning run is told: the flags of peft finetune, their defaults and their
// checks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/json.h"
#include "engine/train/pieces.h"

namespace run {

// Raised when a default or a rule changes what settings mean: a run goes on under the rules that it
// was begun with, or not at all.
//   1: classes in sorted order, a hold-out drawn by the run's seed, accumulation as a mean of means
//   2: classes in the file's order, a stratified hold-out of its own, accumulation by terms,
//   numbers
//      of own data standardised, a warm-up whose first update has a rate above 0
inline constexpr int kRules = 2;

struct FinetuneSettings {
  int rules = kRules;

  // data: a GLUE task and its folder, or a person's own files
  std::string task;                 // "sst2"; empty with own files
  std::string data;                 // folder of the TSVs
  std::string train, dev, test;     // own files
  std::string text, text_b, label;  // columns of own files; empty: guessed
  std::string kind;                 // own files: tasks::kinds(); empty: classify
  bool regression = false;          // the same as kind regress
  int64_t max_train_samples = 0;    // the first of the file; 0: all
  int64_t max_eval_samples = 0;     // of each dev set
  // Of a language model (task lm): what is learned of a prompt with a completion and of a chat
  // (completion, all), the form of chats (data/chat; empty: the tokenizer's own), and the side on
  // which long texts are cut (right, left).
  std::string loss = "completion", chat_format, truncation_side = "right";
  std::string linearization = "lora";  // of the tables of e2e, webnlg and dart; or prefix-tuning
  // Of sequences to sequences (seq2seq; e2e, webnlg and dart with an encoder-decoder): the columns
  // of own rows (empty: guessed), text in front of every source, and tokens a target is cut to (0:
  // 128, or what the model has if that is less).
  std::string source, target, source_prefix;
  int max_target_length = 0;
  // At the end, texts for so many tables (or sources) of dev are written and scored: none, all, or
  // a number.
  std::string text_scores = "200";
  // How they are written, by transformers' names (run/generation.h): {"num_beams": 4}.
  engine::Json generation = engine::Json::object();
  std::string preset;  // whose settings these are, but for those that were given (run/presets.h)

  std::string model;      // folder, or random:...
  std::string tokenizer;  // folder; empty: the model's, or the one that ships with the project
  std::string strategy;   // spec; empty: the adapter's, or full
  std::string adapter;    // folder of a saved adapter to start from

  int epochs = 3;
  int64_t max_steps = 0;  // updates; 0: by epochs
  int batch_size = 32;
  int eval_batch_size = 64;
  int grad_accumulation = 1;
  int64_t piece_tokens = engine::kPiecesByWidth;  // computed at a time, engine/train/pieces.h; 0:
                                                  // the whole batch; kPiecesByWidth: by the model's
  double lr = 0;                                  // 0: by strategy and model
  std::string schedule = "linear";  // engine::Schedule's, or hf_linear, hf_cosine, ...
  double warmup_ratio = 0.06;       // of the updates, as in the LoRA paper
  int64_t warmup_steps = 0;         // updates; 0: by warmup_ratio
  double weight_decay = 0.01;
  double max_grad_norm = 1.0;
  double label_smoothing = 0;
  std::string class_weights = "none";   // none, balanced
  std::string target_scaling = "auto";  // none, standard; auto: standard for numbers of own files
  // Tokens, special ones included; 0: 128, for a language model 1,024, or what the model has if
  // that is less.
  int max_length = 0;
  double dropout = -1;  // -1: the model's own
  bool cache_features =
      false;  // frozen only: the encoder, without dropout, runs once; see features.h
  uint64_t seed = 42;
  bool shuffle = true;  // the training data, every epoch anew

  int64_t eval_every = 0;  // updates; 0: after every epoch
  int patience =
      0;  // evaluations without a better score before stopping; 0: never, and keep the last
  std::string metric = "score";  // what "better" means: a name that evaluations report
  int64_t log_every = 10;        // updates
  int64_t save_every = 300;      // seconds between training states
  int threads = 0;               // 0: all that the process may use; a record has their number
  std::string precision = "fp32", weights = "fp32";  // or bf16: engine/nn/precision.h
  bool deterministic = false;                        // the same bits with any number of threads
  std::string out;  // run folder; empty: runs/<task>-<strategy>-<seed>
  bool resume = false;
  bool profile = false;

  // Whether it trains a language model: on texts or pairs of one's own, or on tables with texts.
  bool language() const { return task == "lm" || task == "seq2seq" || tables(); }
  bool tables() const;

  // Throws engine::Error that names the flag, what it has and what it may have.
  void check() const;
  // The most tables (or sources) of dev that get a text at the end; 0: none.
  int64_t text_tables() const;
  // Takes over the settings that `json` has, by the names of to_json.
  void take(const engine::Json& json, const std::string& where);
  // What makes the run what it is: everything but where it is written and how much is logged.
  engine::Json to_json() const;
  // The settings of a record's "settings"; what it lacks keeps its default, but `rules` is then 1.
  static FinetuneSettings from_json(const engine::Json& json, const std::string& where);
  // Keys of to_json that a resumed run may change: they do not touch the numbers.
  static std::vector<std::string> may_change();
};

}  // namespace run
