// A language model with its tokenizer: to write, or to be looked at.
#pragma once

#include "models/heads.h"
#include "run/locate.h"
#include "run/model.h"

namespace run {

struct LanguageModel : OpenModel {
  // Throws engine::Error as the parts do, and for a model that cannot write. `command` opens the
  // errors about a run's folder.
  LanguageModel(const ModelRequest& request, const char* command)
      : LanguageModel(locate(request, command), request.writable) {}
  LanguageModel(Located found, bool writable);

  models::Model& body() { return model->model(); }
  models::VocabularyHead& head() { return model->vocabulary(); }

  std::optional<Known> known;            // of the adapter's run
  std::optional<data::TextRules> rules;  // the run's; an encoder-decoder's without one
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::string tokenizer_folder;
  engine::Workspace workspace;
};

// What writing needs of a model: of one that was opened to write, or of a run that trains one.
struct LanguageParts {
  OpenModel& open;  // with a head of its vocabulary
  const data::Tokenizer& tokenizer;
  engine::Workspace& workspace;
  const data::TextRules* rules;  // how the run's texts were written; null: nobody says

  LanguageParts(OpenModel& model, const data::Tokenizer& words, engine::Workspace& memory,
                const data::TextRules* texts)
      : open(model), tokenizer(words), workspace(memory), rules(texts) {}
  LanguageParts(LanguageModel& lm);  // not explicit: a language model has all parts
};

}  // namespace run
