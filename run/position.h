// Where a fine-tuning run stands, beside parameters and moments.
#pragma once

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

  engine::Json to_json() const {
    return {{"totals", totals.to_json()},  {"loss_sum", loss_sum},
            {"loss_count", loss_count},    {"best_score", best_score},
            {"best_step", best_step},      {"evaluations_without_gain", evaluations_without_gain},
            {"evaluated_at", evaluated_at}};
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
    return p;
  }
};

}  // namespace run
