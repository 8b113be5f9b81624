#include "run/language_model.h"

#include "run/texts.h"

namespace run {

LanguageModel::LanguageModel(Located found, bool writable) {
  models::ModelConfig& config = found.source.config;
  check_writes(config.facts);
  engine::check(!found.known || found.known->task.kind == "lm", "model",
                "this run's model tells classes and writes no text",
                engine::hint("peft predict reads it"));
  config.head = models::HeadKind::language_model;
  static_cast<OpenModel&>(*this) =
      open_model(std::move(found.source), found.adapter ? found.adapter->spec : "frozen",
                 {.seed = found.seed, .writable = writable});
  if (found.adapter)
    peft::apply_adapter(*found.adapter, *store, model_identity(source, found.seed));
  known = std::move(found.known);
  tokenizer = std::move(found.tokenizer);
  tokenizer_folder = std::move(found.tokenizer_folder);
  if (known && known->task.kind == "lm") {
    rules = known->task.text;
  } else if (source.config.facts.encodes_and_decodes()) {
    rules = data::TextRules{.end = end_token(*tokenizer, source.config)};
    read_with_encoder(*rules, source.config.facts, 0);
  }
}

LanguageParts::LanguageParts(LanguageModel& lm)
    : LanguageParts(lm, *lm.tokenizer, lm.workspace, lm.rules ? &*lm.rules : nullptr) {}

}  // namespace run
