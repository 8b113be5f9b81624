// Text from a causal model or an encoder-decoder, id by id. Settings mean what they mean in
// transformers' generate, and the same ids come out.
//
//   Generator generator(model, head, workspace);
//   for (const Generated& g : generator.run(prompts, options)) ... g.ids ...
//
// Prompts are computed together without padding: what a prompt is continued with does not depend on
// its neighbours, sampling included. To an encoder-decoder a prompt is the source, read once; what
// is written then begins with the decoder's start id, which counts as a prompt of one token.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/heads.h"
#include "models/model.h"

namespace models {

struct Generated {
  std::vector<int32_t> ids;    // without the prompt; an end id is the last one
  double log_probability = 0;  // sum of the model's log-probabilities of `ids`
  double score = 0;            // of the best beam: processed sum / length^penalty; else as above
  bool ended = false;          // by an end id or a stop, not by max_new_tokens
};

struct GenerateOptions {
  int max_new_tokens = 20;
  int min_new_tokens = 0;              // before it no end id is chosen
  int max_length = 0, min_length = 0;  // also these, which count the prompt; 0: they say nothing
  std::vector<int32_t> end;            // any of these ends a sequence, and is its last id
  // What has been written so far (without the prompt), after each new id: true ends it (stop
  // strings).
  std::function<bool(const std::vector<int32_t>&)> stops;
  // Sees each new id of greedy search and sampling at once, with the prompt's number: streaming.
  std::function<void(int, int32_t)> on_token;
  // Sees each prompt's result as soon as it is known.
  std::function<void(int, const Generated&)> on_done;
  // Asked before each step: true ends the run, which returns what is written so far.
  std::function<bool()> interrupted;

  int beams = 1;                  // 1: greedy, or sampling
  double length_penalty = 1;      // beams are compared by log-probability / (new ids)^this
  int no_repeat_ngram = 0;        // no n-gram of this length twice, the prompt counted; 0: off
  double repetition_penalty = 1;  // of ids that were there already, the prompt's too; 1: off
  std::vector<int32_t> suppressed, begin_suppressed;  // never, and never first
  int32_t forced_first = -1;         // the only id behind a prompt of one token; -1: any
  std::vector<int32_t> forced_last;  // the only ids at the longest length; empty: any
  int32_t decoder_start = -1;        // of an encoder-decoder; -1: its config's
  bool early_stopping = false;       // beams: over as soon as `beams` texts have ended

  bool sample = false;  // draw from the distribution, which these shape in this order:
  double temperature = 1;
  int top_k = 0;     // only the k likeliest; 0: all
  double top_p = 1;  // only the likeliest that together have probability p; 1: all
  double min_p = 0;  // only those with at least min_p times the largest probability
  uint64_t seed = 0;

  int batch = 8;  // prompts computed together
};

class Generator {
 public:
  // All must outlive the generator; the model's values are those of the moment.
  Generator(Model& model, VocabularyHead& head, engine::Workspace& workspace)
      : model_(model), head_(head), workspace_(workspace) {}

  // Throws for an empty prompt, options that do not fit one another, and a prompt that does not fit
  // the model's positions with what is to be written behind it.
  std::vector<Generated> run(const std::vector<std::vector<int32_t>>& prompts,
                             const GenerateOptions& options);

 private:
  Model& model_;
  VocabularyHead& head_;
  engine::Workspace& workspace_;
};

}  // namespace models
