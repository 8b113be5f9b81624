#include "models/config_reader.h"

namespace models {

using engine::check;
using engine::hint;
using engine::Json;

namespace {

// Keys that any config.json may have: bookkeeping, token ids (the tokenizer has its own), the
// task's labels (models/config.h reads them), the settings of generation, and what transformers
// computes with but not what it computes.
const std::set<std::string>& known_everywhere() {
  static const std::set<std::string> keys = {"_name_or_path",
                                             "_commit_hash",
                                             "_num_labels",
                                             "architectures",
                                             "model_type",
                                             "transformers_version",
                                             "torch_dtype",
                                             "dtype",
                                             "license",
                                             "language",
                                             "tokenizer_class",
                                             "id2label",
                                             "label2id",
                                             "num_labels",
                                             "problem_type",
                                             "finetuning_task",
                                             "task_specific_params",
                                             "pad_token_id",
                                             "bos_token_id",
                                             "eos_token_id",
                                             "sep_token_id",
                                             "cls_token_id",
                                             "mask_token_id",
                                             "unk_token_id",
                                             "decoder_start_token_id",
                                             "prefix",
                                             "use_cache",
                                             "gradient_checkpointing",
                                             "chunk_size_feed_forward",
                                             "torchscript",
                                             "use_bfloat16",
                                             "tf_legacy_loss",
                                             "_attn_implementation",
                                             "_attn_implementation_autoset",
                                             "attn_implementation",
                                             "output_attentions",
                                             "output_hidden_states",
                                             "output_past",
                                             "return_dict",
                                             "use_return_dict",
                                             "do_sample",
                                             "early_stopping",
                                             "max_length",
                                             "min_length",
                                             "num_beams",
                                             "num_beam_groups",
                                             "diversity_penalty",
                                             "temperature",
                                             "top_k",
                                             "top_p",
                                             "typical_p",
                                             "repetition_penalty",
                                             "length_penalty",
                                             "no_repeat_ngram_size",
                                             "encoder_no_repeat_ngram_size",
                                             "num_return_sequences",
                                             "output_scores",
                                             "return_dict_in_generate",
                                             "forced_bos_token_id",
                                             "forced_eos_token_id",
                                             "remove_invalid_values",
                                             "exponential_decay_length_penalty",
                                             "suppress_tokens",
                                             "begin_suppress_tokens",
                                             "bad_words_ids"};
  return keys;
}

// What any config.json may have switched off.
const std::set<std::string>& switches() {
  static const std::set<std::string> keys = {"is_encoder_decoder", "is_decoder",
                                             "add_cross_attention", "tie_encoder_decoder"};
  return keys;
}

bool says_nothing(const Json& value) {
  return value.is_null() || ((value.is_array() || value.is_object()) && value.empty());
}

}  // namespace

ConfigReader::ConfigReader(const Json& json, std::string where)
    : json_(json), where_(std::move(where)), resolved_(Json::object()) {
  engine::get<std::string>(json_, "model_type", where_);
}

int64_t ConfigReader::size(const std::string& key) {
  const auto value = get<int64_t>(key);
  check(value > 0 && value < (int64_t{1} << 31), where_, key, " is ", value,
        "; it must be positive");
  return value;
}

int64_t ConfigReader::size_or(const std::string& key, int64_t fallback) {
  return engine::has(json_, key) ? size(key) : note(key, fallback);
}

int64_t ConfigReader::count_or(const std::string& key, int64_t fallback) {
  const auto value = get_or<int64_t>(key, fallback);
  check(value >= 0 && value < (int64_t{1} << 31), where_, key, " is ", value,
        "; it must be 0 or a number of things");
  return value;
}

double ConfigReader::epsilon(const std::string& key, double fallback) {
  const auto value = get_or<double>(key, fallback);
  check(value > 0, where_, key, " is ", value, "; it must be positive");
  return value;
}

double ConfigReader::dropout(const std::string& key, double fallback) {
  const auto value = get_or<double>(key, fallback);
  check(value >= 0 && value < 1, where_, key, ": dropout ", value, " is not in [0, 1)");
  return value;
}

engine::Activation ConfigReader::activation(const std::string& key, const std::string& fallback) {
  const auto name = get_or<std::string>(key, fallback);
  try {
    return engine::activation_from_name(name);
  } catch (const engine::Error& e) {  // say which file it was
    engine::fail(where_, '"', key, "\": ", e.what());
  }
}

void ConfigReader::only(const std::string& key, const Json& supported) {
  known_.insert(key);
  const auto it = json_.find(key);
  check(it == json_.end() || it->is_null() || *it == supported, where_, key, " '",
        it != json_.end() && it->is_string() ? it->get<std::string>()
        : it != json_.end()                  ? it->dump()
                                             : "",
        "' is not supported", hint("only ", supported.dump(), " is"));
}

Json ConfigReader::finish() const {
  for (const auto& [key, value] : json_.items()) {
    if (known_.contains(key) || known_everywhere().contains(key) || says_nothing(value)) continue;
    if (switches().contains(key) && value == false) continue;
    engine::fail(where_, '"', key, "\" is ", engine::json_found(value), ", and model_type '",
                 json_["model_type"].get<std::string>(), "' knows no such setting here",
                 hint("it might change what the model computes; remove it if you know that it does "
                      "not"));
  }
  Json out = json_;
  for (const auto& [key, value] : resolved_.items()) out[key] = value;
  return out;
}

}  // namespace models
