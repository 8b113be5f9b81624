#include "peft/peft_config.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "engine/base/error.h"
#include "engine/io/json_parse.h"
#include "engine/nn/linear.h"
#include "peft/joined_parts.h"
#include "peft/lora.h"
#include "peft/prefix.h"

namespace peft {
namespace {

using engine::check;
using engine::hint;
using engine::Json;

// The options of the part called `name`, in a strategy alone or in a sum.
Json options_of(const Strategy& strategy, const std::string& name) {
  const Json all = strategy.options();
  return strategy.name() == name ? all : all.at(name);
}

bool is_lora_with_biases(const Strategy& strategy) {
  return (strategy.name() == "lora+bitfit" || strategy.name() == "bitfit+lora") &&
         options_of(strategy, "bitfit").at("terms") == "all";
}

bool ends_with_module(const std::string& path, const std::string& suffix) {
  return path == suffix || path.ends_with("." + suffix);
}

Json whole_if_possible(double x) {
  return x == std::floor(x) && std::abs(x) < 1e15 ? Json(static_cast<int64_t>(x)) : Json(x);
}

// "org/name@revision", as a model of the hub is called here, in the two fields that PEFT has for
// it.
std::pair<std::string, std::string> name_and_revision(const std::string& base) {
  std::error_code ignored;
  const size_t at = base.find('@');
  const bool path =
      base.starts_with('/') || base.starts_with('.') || std::filesystem::exists(base, ignored);
  if (at == std::string::npos || path) return {base, ""};
  return {base.substr(0, at), base.substr(at + 1)};
}

Json common(const char* type, const AdapterInfo& info) {
  const auto base = name_and_revision(info.base_model);
  return {{"peft_type", type},
          {"auto_mapping", nullptr},
          {"base_model_name_or_path", base.first},
          {"revision", base.second.empty() ? Json() : Json(base.second)},
          {"task_type", info.task_type},
          {"inference_mode", true}};
}

// What stands for the numbers of a LoRA in its configuration: its own or, where some columns of a
// layer have updates of their own, those of the joined layers.
struct LoraInFile {
  int64_t r;
  double alpha;
  Json rank_pattern, alpha_pattern;
};

LoraInFile lora_in_file(const Lora& lora) {
  const Json own = lora.options();
  LoraInFile file{lora.numbers().r, lora.numbers().alpha, own.at("rank_pattern"),
                  own.at("alpha_pattern")};
  const std::vector<JoinedParts> all = joined_updates(lora);
  if (std::none_of(all.begin(), all.end(), [](const JoinedParts& j) { return j.joined(); }))
    return file;
  file = {all.front().r(), all.front().alpha(), Json::object(), Json::object()};
  std::vector<std::string> paths;
  for (const auto& place : lora.embeddings()) paths.push_back(place.site.path);
  for (const JoinedParts& j : all) paths.push_back(j.path());
  std::map<int64_t, std::vector<std::string>> ranks;
  std::map<double, std::vector<std::string>> alphas;
  const auto note = [&](const std::string& path, int64_t r, double alpha) {
    if (r != file.r) ranks[r].push_back(path);
    if (alpha != file.alpha) alphas[alpha].push_back(path);
  };
  for (const auto& place : lora.embeddings())
    note(place.site.path, place.hook->numbers.r, place.hook->numbers.alpha);
  for (const JoinedParts& j : all) note(j.path(), j.r(), j.alpha());
  for (const auto& [r, some] : ranks)
    for (const std::string& name : target_modules(some, paths))
      file.rank_pattern[escaped_dots(name)] = r;
  for (const auto& [alpha, some] : alphas)
    for (const std::string& name : target_modules(some, paths))
      file.alpha_pattern[escaped_dots(name)] = whole_if_possible(alpha);
  return file;
}

nlohmann::json sorted(const Json& json) {
  nlohmann::json out;
  if (json.is_object()) {
    out = nlohmann::json::object();
    for (const auto& [key, value] : json.items()) out[key] = sorted(value);
  } else if (json.is_array()) {
    out = nlohmann::json::array();
    for (const auto& value : json) out.push_back(sorted(value));
  } else {
    out = engine::json_detail::parse_unique<nlohmann::json>(json.dump(), "adapter_config.json");
  }
  return out;
}

}  // namespace

std::string escaped_dots(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '.' ? std::string("\\.") : std::string(1, c);
  return out;
}

std::string lora_settings(const Json& config) {
  Json out = Json::object();
  for (const char* key : {"r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "bias",
                          "rank_pattern", "alpha_pattern"})
    if (const auto it = config.find(key); it != config.end()) out[key] = *it;
  return sorted(out).dump();
}

std::string sorted_json(const Json& json) { return sorted(json).dump(2); }

std::string peft_type_of(const Strategy& strategy) {
  const std::string name = strategy.name();
  if (name == "lora" || is_lora_with_biases(strategy)) return "LORA";
  if (name == "ia3") return "IA3";
  if (name == "norm") return "LN_TUNING";
  if (name == "prefix") {
    const auto& prefix = dynamic_cast<const Prefix&>(strategy);
    // PEFT's prefix stands in front; it has no infix, and of an encoder-decoder a form of its own.
    const bool one_stack = prefix.of_one_stack();
    return !prefix.infix() && (one_stack || prefix.peft_form()) ? "PREFIX_TUNING" : "";
  }
  if (name == "prompt") return "PROMPT_TUNING";
  return "";
}

std::vector<std::string> target_modules(const std::vector<std::string>& matched,
                                        const std::vector<std::string>& all) {
  const std::set<std::string> wanted(matched.begin(), matched.end());
  std::vector<std::string> out;
  for (const std::string& path : matched) {
    if (std::any_of(out.begin(), out.end(),
                    [&](const std::string& s) { return ends_with_module(path, s); }))
      continue;
    size_t dot = path.size();
    std::string suffix;
    do {  // one component more until it matches nothing but what is wanted; the whole path does
      dot = dot == 0 ? std::string::npos : path.rfind('.', dot - 1);
      suffix = dot == std::string::npos ? path : path.substr(dot + 1);
    } while (dot != std::string::npos &&
             std::any_of(all.begin(), all.end(), [&](const std::string& other) {
               return ends_with_module(other, suffix) && !wanted.contains(other);
             }));
    out.push_back(suffix);
  }
  return out;
}

Json peft_config(const Strategy& strategy, const AdapterInfo& info, const engine::Sites& sites,
                 const std::vector<std::string>& modules,
                 const std::vector<std::string>& modules_to_save) {
  const std::string type = peft_type_of(strategy);
  // GPT-2's Conv1D keeps its weight as (in, out).
  bool transposed = false;
  for (const std::string& path : strategy.matched())
    for (const auto& site : sites.linears)
      transposed = transposed || (site.path == path && site.linear->weight.transposed_in_file);
  Json out = common(type.c_str(), info);
  if (type == "LORA") {
    const Json o = options_of(strategy, "lora");
    const LoraInFile file = lora_in_file(*lora_of(strategy));
    out.update({{"r", file.r},
                {"lora_alpha", whole_if_possible(file.alpha)},
                {"lora_dropout", o.at("dropout")},
                {"use_rslora", o.at("rslora")},
                {"bias", is_lora_with_biases(strategy) ? Json("all") : o.at("bias")},
                {"target_modules", target_modules(strategy.matched(), modules)},
                {"modules_to_save", modules_to_save},
                {"alpha_pattern", file.alpha_pattern},
                {"rank_pattern", file.rank_pattern},
                {"fan_in_fan_out", transposed},
                {"init_lora_weights", true},
                {"layer_replication", nullptr},
                {"layers_pattern", nullptr},
                {"layers_to_transform", nullptr},
                {"loftq_config", Json::object()},
                {"megatron_config", nullptr},
                {"megatron_core", "megatron.core"},
                {"use_dora", o.at("dora")}});
  } else if (type == "IA3") {
    std::vector<std::string> feedforward;
    for (const std::string& path : strategy.matched())
      for (const auto& site : sites.linears)
        if (site.path == path &&
            (site.role == engine::Role::attention_output || site.role == engine::Role::ffn_out))
          feedforward.push_back(path);
    out.update({{"target_modules", target_modules(strategy.matched(), modules)},
                {"feedforward_modules", target_modules(feedforward, modules)},
                {"modules_to_save", modules_to_save},
                {"fan_in_fan_out", transposed},
                {"init_ia3_weights", true}});
  } else if (type == "LN_TUNING") {
    out.update({{"target_modules", target_modules(strategy.matched(), modules)},
                {"exclude_modules", nullptr},
                {"modules_to_save", modules_to_save}});
  } else if (type == "PROMPT_TUNING") {
    // RANDOM whatever it began as: a text would ask for a tokenizer, and the file has the vectors.
    out.update({{"num_virtual_tokens", strategy.options().at("length")},
                {"token_dim", sites.words->width()},
                {"num_transformer_submodules", 1},
                {"num_attention_heads", sites.heads},
                {"num_layers", sites.layers},
                {"prompt_tuning_init", "RANDOM"},
                {"prompt_tuning_init_text", nullptr},
                {"tokenizer_name_or_path", nullptr}});
  } else {
    const Json o = strategy.options();
    const bool flat = o.at("flat");
    out.update({{"num_virtual_tokens", o.at("length")},
                {"token_dim", sites.kv.width()},
                {"num_transformer_submodules", o.contains("form") ? 2 : 1},
                {"num_attention_heads", sites.kv.heads},
                {"num_layers", o.contains("form") ? sites.encoder_layers : sites.kv.layers()},
                {"encoder_hidden_size", flat ? Json(sites.kv.width()) : o.at("hidden")},
                {"prefix_projection", !flat}});
  }
  return out;
}

}  // namespace peft
