// A finished run opened twice: with what it learned, and as it was before its first step.
#pragma once

#include <string>

#include "run/predictor.h"
#include "run/settings.h"

namespace run {

struct TrainedRun {
  // `folder` is a run's. `model` replaces the base model's folder that the record names (a run that
  // was copied to another machine). Throws engine::Error if the run is not finished or its base
  // model is not there.
  explicit TrainedRun(const std::string& folder, const std::string& model = {});

  Predictor after;
  OpenModel before;  // the same strategy, values as at the start: base, and fresh from the seed

  // The run's own settings, as its record has them.
  FinetuneSettings settings;
};

// The part of a parameter's name behind its layer's number ("attention.self.query.bias"), or all of
// it for a parameter that belongs to no layer. Two layers have the same kinds.
std::string kind_of(const engine::Parameter& p);

}  // namespace run
