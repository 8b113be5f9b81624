// A causal model with its language-model head: to be trained, scored or to write.
#pragma once

#include "models/heads.h"
#include "run/locate.h"
#include "run/model.h"

namespace run {

struct OpenLanguageModel {
  models::ModelSource source;
  std::unique_ptr<models::Model> model;  // the root of all parameters; the head is declared in it
  std::unique_ptr<models::VocabularyHead> head;
  std::unique_ptr<peft::Strategy> strategy;
  engine::Sites sites;
  std::unique_ptr<engine::ParameterStore> store;
  engine::LoadReport load;
};

// As open_model (model.h). Throws for a model that is not causal.
OpenLanguageModel open_language_model(models::ModelSource source, const std::string& strategy,
                                      const OpenOptions& options = {});

// Opened with its tokenizer and adapter, by folder.
struct LanguageModel : OpenLanguageModel {
  // Throws engine::Error as the parts do. `command` opens the errors about the run's folder.
  LanguageModel(const ModelRequest& request, const char* command);

  std::optional<Known> known;  // of the adapter's run
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::string tokenizer_folder;
  engine::Workspace workspace;

  // The longest text: the model's positions, less those that a prefix takes.
  int64_t longest() const;
};

}  // namespace run
