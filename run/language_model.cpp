#include "run/language_model.h"

namespace run {

LanguageModel::LanguageModel(Located found, bool writable) {
  models::ModelConfig& config = found.source.config;
  engine::check(config.facts.causal, "model", "model_type '", config.facts.model_type,
                "' reads both ways: it is no language model",
                engine::hint("give a causal model: gpt2, llama, mistral, qwen2, qwen3"));
  config.head = models::HeadKind::language_model;
  static_cast<OpenModel&>(*this) =
      open_model(std::move(found.source), found.adapter ? found.adapter->spec : "frozen",
                 {.seed = found.seed, .writable = writable});
  if (found.adapter)
    peft::apply_adapter(*found.adapter, *store, model_identity(source, found.seed));
  known = std::move(found.known);
  tokenizer = std::move(found.tokenizer);
  tokenizer_folder = std::move(found.tokenizer_folder);
}

LanguageParts::LanguageParts(LanguageModel& lm)
    : LanguageParts(lm, *lm.tokenizer, lm.workspace,
                    lm.known && lm.known->task.kind == "lm" ? &lm.known->task.text : nullptr) {}

}  // namespace run
