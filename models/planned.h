// Models that can be counted and not (yet) run: parameters and sites by shape, without memory. For
// --dry-run.
#pragma once

#include <memory>
#include <vector>

#include "engine/nn/hooks.h"
#include "engine/nn/linear.h"
#include "models/config.h"

namespace models {

// A model by its shapes alone. BERT's family is counted through SequenceClassifier itself; this
// adds LLaMA (LlamaForCausalLM).
class PlannedModel : public engine::Module {
 public:
  virtual engine::Sites sites() = 0;
};

// Whether planned_model() knows this model_type ("llama", "mistral").
bool is_planned_type(const std::string& model_type);
// From the JSON of a config.json; no head is added: nothing but what the strategy injects is
// trained on top.
std::unique_ptr<PlannedModel> planned_model(const engine::Json& config, const std::string& where);

}  // namespace models
