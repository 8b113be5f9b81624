#include "peft/peft_config.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/base/error.h"
#include "engine/nn/linear.h"

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

Json common(const char* type, const AdapterInfo& info) {
  return {{"peft_type", type},
          {"auto_mapping", nullptr},
          {"base_model_name_or_path", info.base_model},
          {"revision", nullptr},
          {"task_type", info.task_type},
          {"inference_mode", true}};
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
    out = nlohmann::json::parse(json.dump());
  }
  return out;
}

}  // namespace

std::string sorted_json(const Json& json) { return sorted(json).dump(2); }

std::string peft_type_of(const Strategy& strategy) {
  const std::string name = strategy.name();
  if (strategy.on_parts()) return "";
  if (name == "lora" || is_lora_with_biases(strategy)) return "LORA";
  if (name == "ia3") return "IA3";
  if (name == "prefix") return "PREFIX_TUNING";
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
    out.update({{"r", o.at("r")},
                {"lora_alpha", whole_if_possible(o.at("alpha"))},
                {"lora_dropout", o.at("dropout")},
                {"use_rslora", o.at("rslora")},
                {"bias", is_lora_with_biases(strategy) ? Json("all") : o.at("bias")},
                {"target_modules", target_modules(strategy.matched(), modules)},
                {"modules_to_save", modules_to_save},
                {"alpha_pattern", Json::object()},
                {"rank_pattern", Json::object()},
                {"fan_in_fan_out", transposed},
                {"init_lora_weights", true},
                {"layer_replication", nullptr},
                {"layers_pattern", nullptr},
                {"layers_to_transform", nullptr},
                {"loftq_config", Json::object()},
                {"megatron_config", nullptr},
                {"megatron_core", "megatron.core"},
                {"use_dora", false}});
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
  } else {
    const Json o = strategy.options();
    const bool flat = o.at("flat");
    out.update({{"num_virtual_tokens", o.at("length")},
                {"token_dim", sites.kv.width()},
                {"num_transformer_submodules", 1},
                {"num_attention_heads", sites.kv.heads},
                {"num_layers", sites.kv.layers()},
                {"encoder_hidden_size", flat ? Json(sites.kv.width()) : o.at("hidden")},
                {"prefix_projection", !flat}});
  }
  return out;
}

}  // namespace peft
