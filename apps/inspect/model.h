// A model that is looked at: opened by what --model says, with a strategy applied, usually without
// values.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/inspect/inspect.h"
#include "data/tokenizer.h"
#include "models/pretrained.h"
#include "peft/strategy.h"
#include "run/locate.h"

namespace apps {

struct Inspected {
  models::ModelSource source;
  std::unique_ptr<models::SequenceClassifier> model;
  std::unique_ptr<peft::Strategy> strategy;  // null without --strategy
  engine::Sites sites;

  engine::Module& root() { return *model; }
};

// Declares the model, with the head that a plan gives it (run/plan.h), and applies options.strategy
// (or, if it is empty, `fallback`).
Inspected open_inspected(const InspectOptions& options, const std::string& fallback = "");

// --model, --adapter, --tokenizer and --seed, to open a model with values.
run::ModelRequest model_request(const InspectOptions& options);

// The tokenizer of --tokenizer or of the model.
std::unique_ptr<data::Tokenizer> open_tokenizer(const InspectOptions& options);

// The texts as single ones (second empty, false) or pairs: a TAB in a text makes a pair, --pair
// takes them two by two.
struct TextInput {
  std::string a, b;
  bool pair = false;
  std::string shown() const { return pair ? a + " | " + b : a; }
};
std::vector<TextInput> text_inputs(const InspectOptions& options);
data::Encoding encode(const data::Tokenizer& tokenizer, const TextInput& text, int max_length);

}  // namespace apps
