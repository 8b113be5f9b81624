// Text from a language model: settings by transformers' names, prompts and answers as text.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "models/generate.h"
#include "run/language_model.h"

namespace run {

struct Writing {
  models::GenerateOptions options;
  std::vector<std::string> stop_strings;  // a text ends with the id that completes one of them
};

// How the model writes: what generation_config.json says (else config.json of its end ids), then
// `given`, by the same names: {"num_beams": 4}. As in transformers' generate, `max_new_tokens`
// stands above `max_length`, and shaping the distribution means nothing without `do_sample`. Here a
// given temperature, top_k, top_p or min_p asks for sampling, given beams for none. Without any
// length: `usual` new ids, or as many as the model has positions for. Throws engine::Error by the
// key for a value of another type and for a setting that would change the ids and is not known.
Writing writing(const LanguageParts& lm, const engine::Json& given, int usual = 128);

// The ids of a prompt as a model's run encoded prompts (data/language), or as the tokenizer encodes
// a text. Throws for an empty one. An encoder's source is cut to max_length tokens; 0: nowhere.
std::vector<int32_t> prompt_ids(const LanguageParts& lm, const std::string& text,
                                int max_length = 0);

// The form of tables (data/table_text): `given`, else the run's, else "lora".
std::string linearization_of(const LanguageParts& lm, const std::string& given);

struct Written {
  std::vector<int32_t> ids;  // what is new; an end id is the last one
  std::string text;          // of ids, without special tokens
  double log_probability = 0;
  bool ended = false;
};

// `done` sees every finished prompt, in any order (equal ones are computed once, unless sampled);
// `interrupted` is asked before each step. Prompts that were not finished then have not been seen.
struct WriteWatcher {
  std::function<void(int prompt, const Written&)> done;
  std::function<void(int prompt, int32_t id)> on_token;  // greedy and sampling only
  std::function<bool()> interrupted;
};
// Returns what was written, for unfinished prompts so far.
std::vector<Written> write(const LanguageParts& lm,
                           const std::vector<std::vector<int32_t>>& prompts, const Writing& writing,
                           const WriteWatcher& watcher = {});

}  // namespace run
