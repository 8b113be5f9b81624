// Models that run dry only (engine/base/dry_run.h), until their ops have values: for --dry-run.
#pragma once

#include <memory>
#include <vector>

#include "engine/base/token_batch.h"
#include "engine/nn/hooks.h"
#include "engine/nn/linear.h"
#include "models/config.h"

namespace models {

// LLaMA (LlamaForCausalLM). BERT's family is counted through SequenceClassifier itself.
class PlannedModel : public engine::Module {
 public:
  virtual engine::Sites sites() = 0;
  // The loss on every token. Only in a dry run: throws outside of one.
  virtual engine::Tensor loss(engine::Graph& g, const engine::TokenBatch& batch) = 0;
};

// Whether planned_model() knows this model_type ("llama", "mistral").
bool is_planned_type(const std::string& model_type);
// From the JSON of a config.json; no head is added: nothing but what the strategy injects is
// trained on top.
std::unique_ptr<PlannedModel> planned_model(const engine::Json& config, const std::string& where);

}  // namespace models
