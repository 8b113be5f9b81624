#include "run/generation.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "data/language/encode_language.h"
#include "run/texts.h"

namespace run {

namespace fs = std::filesystem;
using engine::check;
using engine::fail;
using engine::hint;
using engine::Json;

namespace {

// Settings that change ids, are not offered, and at this value do nothing.
const std::vector<std::pair<const char*, Json>>& refused() {
  static const std::vector<std::pair<const char*, Json>> keys = {
      {"bad_words_ids", nullptr},
      {"constraints", nullptr},
      {"diversity_penalty", 0.0},
      {"dola_layers", nullptr},
      {"encoder_no_repeat_ngram_size", 0},
      {"encoder_repetition_penalty", 1.0},
      {"epsilon_cutoff", 0.0},
      {"eta_cutoff", 0.0},
      {"exponential_decay_length_penalty", nullptr},
      {"force_words_ids", nullptr},
      {"guidance_scale", 1.0},
      {"max_time", nullptr},
      {"num_beam_groups", 1},
      {"num_return_sequences", 1},
      {"penalty_alpha", 0.0},
      {"remove_invalid_values", false},
      {"sequence_bias", nullptr},
      {"token_healing", false},
      {"top_h", nullptr},
      {"typical_p", 1.0},
      {"watermarking_config", nullptr},
  };
  return keys;
}

// Settings of computing, of what is returned, and token ids that generate itself does not read.
bool harmless(const std::string& key) {
  static const std::set<std::string> keys = {
      "_from_model_config",
      "_commit_hash",
      "assistant_confidence_threshold",
      "assistant_early_exit",
      "assistant_ensemble_weight",
      "assistant_lookbehind",
      "bos_token_id",
      "cache_config",
      "cache_implementation",
      "compile_config",
      "disable_compile",
      "is_assistant",
      "low_memory",
      "max_cache_len",
      "max_matching_ngram_size",
      "num_assistant_tokens",
      "num_assistant_tokens_schedule",
      "output_attentions",
      "output_hidden_states",
      "output_logits",
      "output_scores",
      "pad_token_id",
      "prefill_chunk_size",
      "prompt_lookup_num_tokens",
      "renormalize_logits",
      "return_dict_in_generate",
      "target_lookbehind",
      "transformers_version",
      "use_cache",
      "use_mtp",
      "speculation_type",
  };
  return keys.contains(key);
}

// What is given, above what a file says. A given null takes the file's value away.
class Settings {
 public:
  Settings(Json given, Json saved, std::string file)
      : given_(std::move(given)), saved_(std::move(saved)), file_(std::move(file)) {}

  bool gives(const char* key) const { return given_.contains(key) && !given_[key].is_null(); }
  void set(const char* key, Json value) { given_[key] = std::move(value); }
  void forget(const char* key) { saved_.erase(key); }

  template <class T>
  void read(const char* key, T& into) {
    seen_.insert(key);
    const auto [value, where] = find(key);
    if (!value.is_null()) into = engine::get<T>({{key, value}}, key, where);
  }
  // One of them, or a list; null: none.
  template <class T>
  void read_list(const char* key, std::vector<T>& into) {
    seen_.insert(key);
    if (!given_.contains(key) && !saved_.contains(key)) return;
    const auto [value, where] = find(key);
    into.clear();
    if (value.is_null()) return;
    for (const Json& each : value.is_array() ? value : Json::array({value})) {
      check(std::is_same_v<T, std::string> ? each.is_string() : each.is_number_integer(), where,
            key, " has ", each.dump());
      into.push_back(each.get<T>());
    }
  }
  void refuse_the_rest(bool beams) const {
    for (const Json* source : {&given_, &saved_})
      for (const auto& [key, value] : source->items()) {
        if (value.is_null() || seen_.contains(key) || harmless(key)) continue;
        if (key == "early_stopping" && !beams) continue;
        const auto it = std::find_if(refused().begin(), refused().end(),
                                     [&](const auto& known) { return known.first == key; });
        check(it != refused().end() && it->second == value, file_, key, " is ", value.dump(),
              ", which is not offered here", hint("take it out if you do not need it"));
      }
  }

 private:
  std::pair<Json, std::string> find(const char* key) const {
    if (given_.contains(key)) return {given_[key], "generate"};
    return {saved_.contains(key) ? saved_[key] : Json(), file_};
  }

  Json given_, saved_;
  std::string file_;
  std::set<std::string> seen_;
};

// A given temperature asks for sampling, given beams for none.
void choose_search(Settings& in) {
  const bool shaped =
      in.gives("temperature") || in.gives("top_k") || in.gives("top_p") || in.gives("min_p");
  if (!in.gives("do_sample") && (shaped || in.gives("num_beams"))) in.set("do_sample", shaped);
  if (shaped && !in.gives("num_beams")) in.set("num_beams", 1);
}

// Whoever gives one kind of limit means that one.
void choose_limits(Settings& in) {
  if (in.gives("max_length")) in.forget("max_new_tokens");
  if (in.gives("min_length")) in.forget("min_new_tokens");
}

void read_lengths(Settings& in, int64_t longest, int usual, models::GenerateOptions& o) {
  int most = 0, total = 0, least = 0;
  in.read("max_new_tokens", most);
  in.read("max_length", total);
  in.read("min_new_tokens", o.min_new_tokens);
  in.read("min_length", least);
  if (o.min_new_tokens == 0) o.min_length = least;
  if (most != 0) {
    o.max_new_tokens = most;
    return;
  }
  o.max_new_tokens = total != 0 ? std::numeric_limits<int>::max() : usual;
  o.max_length = total != 0 ? total : static_cast<int>(longest);
}

// What an older config.json says of generation: its end ids, and an encoder-decoder's settings.
Json generation_of(const Json& config, bool encodes_and_decodes) {
  std::vector<const char*> keys = {"eos_token_id"};
  if (encodes_and_decodes)
    keys.insert(keys.end(), {"decoder_start_token_id", "early_stopping", "forced_bos_token_id",
                             "forced_eos_token_id", "length_penalty", "max_length", "min_length",
                             "no_repeat_ngram_size", "num_beams", "repetition_penalty"});
  Json saved = Json::object();
  for (const char* key : keys)
    if (config.contains(key)) saved[key] = config[key];
  return saved;
}

// Whether a text that ends with `ids` holds one of `stops`: the last ids are enough, since the
// text ends as soon as it holds one.
bool holds_stop(const data::Tokenizer& tokenizer, const std::vector<std::string>& stops,
                const std::vector<int32_t>& ids) {
  size_t longest = 0;
  for (const std::string& stop : stops) longest = std::max(longest, stop.size());
  const size_t count = std::min(ids.size(), longest + 4);
  const std::string text = tokenizer.decode(std::span(ids).last(count), false);
  return std::any_of(stops.begin(), stops.end(),
                     [&](const std::string& stop) { return text.find(stop) != std::string::npos; });
}

// Equal prompts are computed once, for they are continued alike, unless each draws its own text.
class Repeats {
 public:
  Repeats(const std::vector<std::vector<int32_t>>& prompts, bool sample) {
    std::map<std::vector<int32_t>, size_t> seen;
    for (size_t i = 0; i < prompts.size(); ++i) {
      const auto [it, fresh] = seen.try_emplace(prompts[i], distinct_.size());
      if (fresh || sample) {
        distinct_.push_back(prompts[i]);
        places_.emplace_back();
        it->second = distinct_.size() - 1;
      }
      places_[it->second].push_back(static_cast<int>(i));
    }
  }
  const std::vector<std::vector<int32_t>>& distinct() const { return distinct_; }
  const std::vector<int>& of(int distinct) const { return places_[static_cast<size_t>(distinct)]; }

 private:
  std::vector<std::vector<int32_t>> distinct_;
  std::vector<std::vector<int>> places_;
};

}  // namespace

Writing writing(const LanguageParts& lm, const Json& given, int usual) {
  const models::ModelSource& source = lm.open.source;
  const models::ModelConfig& config = source.config;
  const fs::path file = source.folder / "generation_config.json";
  std::error_code ignored;
  Json saved = Json::object();
  std::string where = config.where;
  if (source.has_weights() && fs::exists(file, ignored)) {
    saved = engine::json_file(file);
    where = file.string();
    check(saved.is_object(), where, "is no JSON object");
  } else if (config.raw.is_object()) {
    saved = generation_of(config.raw, config.facts.encodes_and_decodes());
  }
  Settings in(given, std::move(saved), where);
  choose_search(in);
  choose_limits(in);

  Writing to;
  models::GenerateOptions& o = to.options;
  o.top_k = 50;  // transformers' default
  read_lengths(in, longest_written(lm.open), usual, o);
  in.read_list("eos_token_id", o.end);
  in.read_list("stop_strings", to.stop_strings);
  in.read("num_beams", o.beams);
  in.read("length_penalty", o.length_penalty);
  in.read("no_repeat_ngram_size", o.no_repeat_ngram);
  in.read("repetition_penalty", o.repetition_penalty);
  in.read_list("suppress_tokens", o.suppressed);
  in.read_list("begin_suppress_tokens", o.begin_suppressed);
  in.read("forced_bos_token_id", o.forced_first);
  in.read_list("forced_eos_token_id", o.forced_last);
  in.read("decoder_start_token_id", o.decoder_start);
  if (o.beams > 1) in.read("early_stopping", o.early_stopping);
  in.read("do_sample", o.sample);
  in.read("temperature", o.temperature);
  in.read("top_k", o.top_k);
  in.read("top_p", o.top_p);
  in.read("min_p", o.min_p);
  in.read("seed", o.seed);
  in.read("batch_size", o.batch);
  in.refuse_the_rest(o.beams > 1);
  // What was trained with an end token, which the base model's files need not name.
  const int32_t end = lm.rules ? lm.rules->end : -1;
  if (end >= 0 && !given.contains("eos_token_id") &&
      std::find(o.end.begin(), o.end.end(), end) == o.end.end())
    o.end.push_back(end);
  if (!o.sample) o.temperature = o.top_p = 1, o.top_k = 0, o.min_p = 0;
  return to;
}

std::vector<int32_t> prompt_ids(const LanguageParts& lm, const std::string& text, int max_length) {
  if (lm.rules && lm.rules->encoder)
    return data::encode_source(lm.tokenizer, text, max_length, *lm.rules);
  check(!text.empty(), "generate", "the prompt is empty",
        hint("write its first words, or the begin token where the model has one"));
  std::vector<int32_t> ids = data::encode_prompt(lm.tokenizer, text);
  if (lm.rules && lm.rules->separator) ids.push_back(lm.rules->end);
  return ids;
}

std::string linearization_of(const LanguageParts& lm, const std::string& given) {
  if (!given.empty()) return given;
  return lm.rules && !lm.rules->linearization.empty() ? lm.rules->linearization : "lora";
}

std::vector<Written> write(const LanguageParts& lm,
                           const std::vector<std::vector<int32_t>>& prompts, const Writing& how,
                           const WriteWatcher& watcher) {
  models::GenerateOptions options = how.options;
  const Repeats repeats(prompts, options.sample);
  const auto written = [&](const models::Generated& g) {
    return Written{g.ids, lm.tokenizer.decode(g.ids), g.log_probability, g.ended};
  };
  if (!how.stop_strings.empty())
    options.stops = [&](const std::vector<int32_t>& ids) {
      return holds_stop(lm.tokenizer, how.stop_strings, ids);
    };
  if (watcher.on_token)
    options.on_token = [&](int distinct, int32_t id) {
      for (const int prompt : repeats.of(distinct)) watcher.on_token(prompt, id);
    };
  options.interrupted = watcher.interrupted;
  if (watcher.done)
    options.on_done = [&](int distinct, const models::Generated& g) {
      for (const int prompt : repeats.of(distinct)) watcher.done(prompt, written(g));
    };
  std::vector<Written> all(prompts.size());
  models::Generator generator(lm.open.model->model(), lm.open.model->vocabulary(), lm.workspace);
  const auto texts = generator.run(repeats.distinct(), options);
  for (size_t d = 0; d < texts.size(); ++d)
    for (const int prompt : repeats.of(static_cast<int>(d)))
      all[static_cast<size_t>(prompt)] = written(texts[d]);
  return all;
}

}  // namespace run
