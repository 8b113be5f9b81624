// The texts of a fine-tuned model for the tables (or sources) of its dev set, and what the task's
// metrics say of them.
#pragma once

#include "engine/autograd/graph.h"
#include "run/session.h"
#include "run/watcher.h"

namespace run {

// Writes a text for each of the first settings.text_tables() tables of the split `dev` by
// settings.generation, a line each to dev_texts.txt in settings.out, and scores them as peft score
// does (data/table_text/score.h; METEOR with WordNet where it is installed). Of sequences to
// sequences the sources of dev, each once, by ROUGE. The model has been trained. Returns
//   {"split", "tables" or "sources", "of", "tokens", "seconds", "generation", "sets": {"all":
//   ...}},
// or null where the watcher stopped it.
engine::Json score_texts(Session& session, const FinetuneSettings& settings,
                         engine::Workspace& workspace, Watcher& watcher);

}  // namespace run
