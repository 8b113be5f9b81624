#include "run/language_model.h"

#include "models/registry.h"

namespace run {

using engine::check;
using engine::hint;

OpenLanguageModel open_language_model(models::ModelSource source, const std::string& strategy,
                                      const OpenOptions& options) {
  OpenLanguageModel open;
  open.source = std::move(source);
  models::ModelConfig& config = open.source.config;
  check(config.facts.causal, "model", "model_type '", config.facts.model_type,
        "' reads both ways: it is no language model",
        hint("give a causal model: gpt2, llama, mistral, qwen2, qwen3"));
  config.head = models::HeadKind::language_model;
  open.model = models::make_model(config.json, config.where);
  open.head = std::make_unique<models::VocabularyHead>(*open.model, config.head);
  open.strategy = peft::make_strategy(strategy);
  open.sites = open.model->sites();
  peft::apply(*open.strategy, open.sites, *open.model);
  open.store = std::make_unique<engine::ParameterStore>(*open.model);
  open.store->allocate();
  if (options.values) open.load = fill(open.source, *open.store, options);
  return open;
}

LanguageModel::LanguageModel(const ModelRequest& request, const char* command) {
  Located found = locate(request, command);
  static_cast<OpenLanguageModel&>(*this) =
      open_language_model(std::move(found.source), found.adapter ? found.adapter->spec : "frozen",
                          {.seed = found.seed, .writable = request.writable});
  if (found.adapter)
    peft::apply_adapter(*found.adapter, *store, model_identity(source, found.seed));
  known = std::move(found.known);
  tokenizer = std::move(found.tokenizer);
  tokenizer_folder = std::move(found.tokenizer_folder);
}

int64_t LanguageModel::longest() const {
  const auto& points = sites.kv.points;
  return model->facts().longest - (points.empty() ? 0 : points.front()->length());
}

}  // namespace run
