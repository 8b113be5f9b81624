// What a training step will cost, from a config.json alone: parameters, products, saved bytes and
// memory. The step is the real one, run dry (engine/train/step_cost.h).
//
//   const engine::Json config = engine::json_file("config.json");
//   const Plan plan = make_plan(config, "lora:r=8", {.batch = 32, .length = 128});
//
// A causal model learns the next word at every token, unless its config.json says that it is a
// classifier or num_labels is given; an encoder-decoder learns an output for each input; all others
// classify.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/json.h"
#include "engine/train/pieces.h"
#include "engine/train/step_cost.h"
#include "models/classifier.h"
#include "peft/strategy.h"

namespace run {

struct PlanOptions {
  int64_t batch = 32;         // sequences in a step
  int64_t length = 128;       // tokens of each
  int64_t target_length = 0;  // of each output of an encoder-decoder; 0: `length`
  // Computed at a time (engine/train/pieces.h); 0: the whole batch, or kPiecesByWidth.
  int64_t piece_tokens = 0;
  int num_labels = 0;   // of a classifier; 0: as the config says
  bool dropout = true;  // as the config says, or none
};

struct Plan : engine::StepCost {
  std::string model_type;
  std::string strategy;          // "lora"
  std::string spec;              // "lora:r=4"
  std::string error;             // why it cannot be used with this model; then nothing else is set
  int64_t base_parameters = 0;   // of the model and its head
  int64_t total_parameters = 0;  // with what the strategy adds
  int64_t trainable_parameters = 0, injected_parameters = 0, head_parameters = 0;
  int64_t batch = 0, length = 0, target_length = 0;  // the last: of an encoder-decoder

  static constexpr int64_t kScalar = sizeof(engine::Scalar);
  int64_t gradient_bytes() const { return trainable_parameters * kScalar; }
  int64_t optimizer_bytes() const { return 2 * gradient_bytes(); }  // AdamW: two moments
  int64_t memory_bytes() const {
    return weight_bytes + gradient_bytes() + optimizer_bytes() + pool_bytes;
  }
  // Trainable of base: 4,194,304 of 6,738,415,616 is 0.0622.
  double percent() const {
    return base_parameters > 0 ? 100.0 * double(trainable_parameters) / double(base_parameters) : 0;
  }
  engine::Json to_json() const;
};

// Throws engine::Error for a config or strategy that is wrong in itself, or does not fit the other.
Plan make_plan(const engine::Json& config, std::string_view strategy, const PlanOptions& options,
               const std::string& where = "config.json");

// One plan for each of `strategies`; one that does not fit the model has its `error` set. A wrong
// config still throws.
std::vector<Plan> make_plans(const engine::Json& config, const std::vector<std::string>& strategies,
                             const PlanOptions& options, const std::string& where = "config.json");
// What is compared when no strategy is chosen: one of each kind, cheapest first.
std::vector<std::string> all_strategies();
engine::Json plans_json(const std::vector<Plan>& plans);

// A model as a plan sees it: declared, with its strategy, without values.
struct PlannedModel {
  std::unique_ptr<models::SequenceClassifier> model;
  std::unique_ptr<peft::Strategy> strategy;
  engine::Sites sites;
};
PlannedModel open_planned(const engine::Json& config, std::string_view strategy,
                          const PlanOptions& options, const std::string& where = "config.json");
// Its step's words: the ids do not matter, every label is class 0, every token predicts word 0.
// With `output` the decoder's of an encoder-decoder do.
engine::TokenBatch planned_batch(const PlanOptions& options, bool output = false);
// Whether the model's loss is of outputs: an encoder-decoder that is no classifier.
bool writes_outputs(const models::SequenceClassifier& model);

// The head that a plan gives the model, and the loss of a step with it. Labels, or for a language
// model targets, are read and must be valid.
models::HeadKind planned_head(const models::ModelConfig& config, int num_labels);
engine::Tensor planned_loss(models::SequenceClassifier& model, engine::Graph& g,
                            const engine::Batch& batch);

}  // namespace run
