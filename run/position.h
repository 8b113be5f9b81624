// Where a fine-tuning run stands, beside parameters and moments.
#pragma once

#include <string>

#include "engine/io/training_state.h"
#include "run/record.h"

namespace run {

// What --resume needs beyond parameters and moments.
struct Position {
  RunTotals totals;
  double loss_sum = 0;  // since the last logged line
  int64_t loss_count = 0;
  double best_score = -1e300;
  int64_t best_step = 0;
  int evaluations_without_gain = 0;
  int64_t evaluated_at = -1;  // the last update that was evaluated
  std::string run;            // what the run is, run_identity(); empty in older states
  int64_t lines = -1;         // of metrics.jsonl; -1 in older states
  std::string best_hash;      // of best.safetensors; empty: there is none, or an older state

  engine::Json to_json() const {
    return {{"totals", totals.to_json()},
            {"loss_sum", loss_sum},
            {"loss_count", loss_count},
            {"best_score", best_score},
            {"best_step", best_step},
            {"evaluations_without_gain", evaluations_without_gain},
            {"evaluated_at", evaluated_at},
            {"run", run},
            {"lines", lines},
            {"best_hash", best_hash}};
  }
  static Position from_json(const engine::Json& json) {
    const std::string where = "training state";
    Position p;
    p.totals = RunTotals::from_json(engine::get<engine::Json>(json, "totals", where));
    p.loss_sum = engine::get<double>(json, "loss_sum", where);
    p.loss_count = engine::get<int64_t>(json, "loss_count", where);
    p.best_score = engine::get<double>(json, "best_score", where);
    p.best_step = engine::get<int64_t>(json, "best_step", where);
    p.evaluations_without_gain = engine::get<int>(json, "evaluations_without_gain", where);
    p.evaluated_at = engine::get<int64_t>(json, "evaluated_at", where);
    p.run = engine::get_or<std::string>(json, "run", "", where);
    p.lines = engine::get_or<int64_t>(json, "lines", -1, where);
    p.best_hash = engine::get_or<std::string>(json, "best_hash", "", where);
    return p;
  }
};

// Throws engine::Error if a run that is to be resumed was begun under other rules: it goes on under
// those that it was begun with, or not at all.
void check_rules(const FinetuneSettings& settings);

// What a run is, whoever goes on with it, from its settings and digests: two states with the same
// one belong to the same run.
std::string run_identity(engine::Json identity);

// How long a run is.
struct Length {
  int64_t updates = 0, batches = 0, grad_accumulation = 1;  // in all, of an epoch, of an update
};

// A state may be whole and yet be another run's, or say what no run of this length can reach.
// Throws engine::Error that opens with `where`.
void check_belongs(const engine::TrainingState& state, const Position& position,
                   const std::string& run, const Length& length, const std::string& where);

}  // namespace run
