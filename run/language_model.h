// A language model with its tokenizer: to write, or to be looked at.
#pragma once

#include "models/heads.h"
#include "run/locate.h"
#include "run/model.h"

namespace run {

struct LanguageModel : OpenModel {
  // Throws engine::Error as the parts do, and for a model that is not causal. `command` opens the
  // errors about a run's folder.
  LanguageModel(const ModelRequest& request, const char* command)
      : LanguageModel(locate(request, command), request.writable) {}
  LanguageModel(Located found, bool writable);

  models::Model& body() { return model->model(); }
  models::VocabularyHead& head() { return model->vocabulary(); }

  std::optional<Known> known;  // of the adapter's run
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::string tokenizer_folder;
  engine::Workspace workspace;
};

}  // namespace run
