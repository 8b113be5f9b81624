// From a PEFT file to a spec. Which modules it touches is read from the tensors' names, not from
// target_modules: the names say it exactly, whereas a suffix means something only beside the list
// of all modules.
#include <algorithm>
#include <cctype>
#include <set>

#include "engine/base/number.h"
#include "peft/peft_config.h"
#include "peft/spec.h"

namespace peft {
namespace {

using engine::check;
using engine::get_or;
using engine::hint;
using engine::Json;

using Tensors = std::map<std::string, engine::SafeTensor>;

// "bert.encoder.layer.3.output.dense" -> 3, "output.dense"; false if no component is a number.
bool split_path(const std::string& path, int& layer, std::string& rest) {
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    const auto number = engine::to_number<int>(part);
    if (number && *number >= 0 && std::to_string(*number) == part) {
      layer = *number;
      rest = end < path.size() ? path.substr(end + 1) : "";
      return true;
    }
    begin = end + 1;
  }
  return false;
}

std::set<std::string> modules_with(const Tensors& tensors, const std::string& suffix) {
  std::set<std::string> paths;
  for (const auto& [name, tensor] : tensors)
    if (name.ends_with(suffix)) paths.insert(name.substr(0, name.size() - suffix.size()));
  return paths;
}

// "a" or "(a|b)".
std::string alternatives(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : "|") + item;
  return items.size() == 1 ? out : "(" + out + ")";
}

// A regular expression that matches exactly these paths, behind any front that the model has and
// the file has not ("bert."). Those that differ in a layer's number, or in what is behind it, are
// written together.
std::string pattern_of(const std::set<std::string>& paths) {
  std::map<std::pair<std::string, std::string>, std::set<int>> layers;  // by front, rest
  std::set<std::string> all;
  for (const auto& path : paths) {
    int layer = 0;
    std::string rest;
    if (!split_path(path, layer, rest) || rest.empty()) {
      all.insert(escaped_dots(path));
      continue;
    }
    const size_t digits = std::to_string(layer).size();
    const std::string front = path.substr(0, path.size() - rest.size() - digits - 1);
    layers[{escaped_dots(front), escaped_dots(rest)}].insert(layer);
  }
  std::map<std::pair<std::string, std::set<int>>, std::set<std::string>> rests;
  for (const auto& [key, numbers] : layers) rests[{key.first, numbers}].insert(key.second);
  for (const auto& [key, each] : rests) {
    std::vector<std::string> numbers;
    for (const int layer : key.second) numbers.push_back(std::to_string(layer));
    all.insert(key.first + alternatives(numbers) + "\\." +
               alternatives({each.begin(), each.end()}));
  }
  return "(.+\\.)?" + alternatives({all.begin(), all.end()});
}

void add_sites(Json& options, const std::set<std::string>& paths, const std::string& where) {
  for (const auto& path : paths) {
    const bool plain = std::all_of(path.begin(), path.end(), [](unsigned char c) {
      return c < 128 && (std::isalnum(c) || c == '.' || c == '_' || c == '-');
    });
    check(plain, where, "'", path, "' is no path of a module");
  }
  options["pattern"] = pattern_of(paths);
}

void refuse(const Json& config, const std::string& where, const char* key, const std::string& why) {
  const auto it = config.find(key);
  if (it == config.end() || it->is_null() || (it->is_boolean() && !it->get<bool>()) ||
      (it->is_structured() && it->empty()))
    return;
  engine::fail(where, '"', key, "\" is ", it->dump(), ", and ", why);
}

std::string lora_spec(const Json& config, const Tensors& tensors, const std::string& where) {
  refuse(config, where, "layer_replication", "layers cannot be repeated here");
  refuse(config, where, "lora_bias", "lora_B has no bias here");
  refuse(config, where, "target_parameters", "only linear layers can be targets here");
  refuse(config, where, "trainable_token_indices", "single rows of an embedding cannot be trained");
  for (const char* key :
       {"use_qalora", "use_bdlora", "alora_invocation_tokens", "arrow_config", "kasa_config",
        "velora_config", "monteclora_config", "megatron_config", "ensure_weight_tying"})
    refuse(config, where, key, "this variant of LoRA is not known here");
  if (const auto it = config.find("init_lora_weights"); it != config.end() && it->is_string())
    check(*it == "gaussian" || *it == "orthogonal" || *it == "eva", where,
          "\"init_lora_weights\" is ", it->dump(),
          ", which also changes the base weights, and those are not in the file",
          hint("save it in PEFT with path_initial_model_for_weight_conversion, which makes an "
               "ordinary LoRA file"));
  const auto bias = get_or<std::string>(config, "bias", "none", where);
  check(bias == "none" || bias == "all" || bias == "lora_only", where, "\"bias\" is \"", bias,
        "\"; \"none\", \"lora_only\" and \"all\" are known");
  auto paths = modules_with(tensors, ".lora_A.weight");
  paths.merge(modules_with(tensors, ".lora_embedding_A"));
  check(!paths.empty(), where, "there is no tensor with lora_A in its name");
  const bool rslora = get_or<bool>(config, "use_rslora", false, where);
  Json options = {{"r", get_or<int64_t>(config, "r", 8, where)},
                  {"alpha", get_or<double>(config, "lora_alpha", 8, where)},
                  {"dropout", get_or<double>(config, "lora_dropout", 0, where)},
                  {"rslora", rslora},
                  {"dora", get_or<bool>(config, "use_dora", false, where)},
                  {"bias", bias}};
  add_sites(options, paths, where);
  for (const char* key : {"rank_pattern", "alpha_pattern"})
    if (engine::has(config, key)) options[key] = config.at(key);
  return spell_spec("lora", options);
}

std::string ia3_spec(const Tensors& tensors, const std::string& where) {
  const auto paths = modules_with(tensors, ".ia3_l");
  check(!paths.empty(), where, "there is no tensor with ia3_l in its name");
  Json options = Json::object();
  add_sites(options, paths, where);
  return spell_spec("ia3", options);
}

// Of LayerNorms only: PEFT would copy and train any module.
std::string norm_spec(const Tensors& tensors, const std::string& where) {
  std::set<std::string> paths;
  for (const auto& [name, tensor] : tensors)
    if (const size_t at = name.find(kNormCopy); at != std::string::npos) {
      check(tensor.dims.size() == 1, where, name.substr(0, at), " is no normalisation: its ",
            name.substr(name.rfind('.') + 1), " has ", tensor.dims.size(), " dimensions",
            hint("LN_TUNING of other modules is full training of them, which cannot be read here"));
      paths.insert(name.substr(0, at));
    }
  check(!paths.empty(), where, "there is no tensor with ln_tuning_layers in its name");
  return spell_spec("norm", {{"pattern", pattern_of(paths)}});
}

std::string prefix_spec(const std::string& type, const Json& config, const Tensors& tensors,
                        const std::string& where) {
  const auto table = tensors.find("prompt_embeddings");
  check(table != tensors.end() && table->second.dims.size() == 2, where,
        "there is no matrix called prompt_embeddings");
  const auto submodules = get_or<int64_t>(config, "num_transformer_submodules", 1, where);
  check(submodules == 1 || submodules == 2, where, "\"num_transformer_submodules\" is ", submodules,
        ": it can be 1, or 2 of an encoder-decoder");
  const auto length = get_or<int64_t>(config, "num_virtual_tokens", table->second.dims[0], where);
  check(length == table->second.dims[0], where, "\"num_virtual_tokens\" is ", length,
        ", but prompt_embeddings has ", table->second.dims[0], " rows");
  if (type == "PROMPT_TUNING") return spell_spec("prompt", {{"length", length}});
  Json options = {{"length", length}, {"flat", true}};
  if (submodules == 2) options["form"] = "peft";
  return spell_spec("prefix", options);
}

}  // namespace

std::string spec_from_peft(const Json& config, const Tensors& tensors, const std::string& where) {
  const auto type = engine::get<std::string>(config, "peft_type", where);
  if (type == "LORA") return lora_spec(config, tensors, where);
  if (type == "IA3") return ia3_spec(tensors, where);
  if (type == "LN_TUNING") return norm_spec(tensors, where);
  if (type == "PREFIX_TUNING" || type == "PROMPT_TUNING")
    return prefix_spec(type, config, tensors, where);
  engine::fail(where, "\"peft_type\" is \"", type, "\"",
               hint("LORA, IA3, LN_TUNING, PREFIX_TUNING and PROMPT_TUNING can be read"));
}

}  // namespace peft
