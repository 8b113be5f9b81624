// From a PEFT file to a spec. Which modules it touches is read from the tensors' names, not from
// target_modules: the names say it exactly, whereas a suffix means something only beside the list
// of all modules.
#include <algorithm>
#include <cctype>
#include <set>

#include "engine/base/error.h"
#include "peft/layer_set.h"
#include "peft/peft_config.h"
#include "peft/spec.h"

namespace peft {
namespace {

using engine::check;
using engine::get_or;
using engine::hint;
using engine::Json;

using Tensors = std::map<std::string, engine::SafeTensor>;

// What a module is for, by what stands behind its layer's number in Hugging Face's names.
const std::map<std::string, std::string> kRoleOfModule = {
    {"attention.self.query", "query"},
    {"attention.self.key", "key"},
    {"attention.self.value", "value"},
    {"attention.output.dense", "attention_output"},
    {"intermediate.dense", "ffn_in"},
    {"output.dense", "ffn_out"},
    {"attention.q_lin", "query"},
    {"attention.k_lin", "key"},
    {"attention.v_lin", "value"},
    {"attention.out_lin", "attention_output"},
    {"ffn.lin1", "ffn_in"},
    {"ffn.lin2", "ffn_out"}};
const std::vector<std::string> kRoleOrder = {"query",  "key",    "value", "attention_output",
                                             "ffn_in", "ffn_out"};

// "bert.encoder.layer.3.output.dense" -> 3, "output.dense"; false if no component is a number.
bool split_path(const std::string& path, int& layer, std::string& rest) {
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (!part.empty() && part.size() < 6 &&
        std::all_of(part.begin(), part.end(), [](unsigned char c) { return std::isdigit(c); })) {
      layer = std::stoi(part);
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

// Adds roles and layers if the modules are all combinations of some, else a pattern that spells
// every path.
void add_sites(Json& options, const std::set<std::string>& paths) {
  std::set<std::string> roles;
  std::set<int> layers;
  bool regular = true;
  for (const auto& path : paths) {
    int layer = 0;
    std::string rest;
    const auto role =
        split_path(path, layer, rest) ? kRoleOfModule.find(rest) : kRoleOfModule.end();
    regular = regular && role != kRoleOfModule.end();
    if (!regular) break;
    roles.insert(role->second);
    layers.insert(layer);
  }
  if (regular && roles.size() * layers.size() == paths.size()) {
    options["roles"] = Json::array();
    for (const auto& role : kRoleOrder)
      if (roles.contains(role)) options["roles"].push_back(role);
    options["layers"] = LayerSet::of({layers.begin(), layers.end()}).text();
    return;
  }
  std::string pattern;
  for (const auto& path : paths) {
    if (!pattern.empty()) pattern += '|';
    for (const char c : path) pattern += c == '.' ? std::string("\\.") : std::string(1, c);
  }
  options["pattern"] = pattern;
}

void refuse(const Json& config, const std::string& where, const char* key, const std::string& why) {
  const auto it = config.find(key);
  if (it == config.end() || it->is_null() || (it->is_boolean() && !it->get<bool>()) ||
      (it->is_structured() && it->empty()))
    return;
  engine::fail(where, '"', key, "\" is ", it->dump(), ", and ", why);
}

std::string lora_spec(const Json& config, const Tensors& tensors, const std::string& where) {
  refuse(config, where, "use_dora", "DoRA's magnitudes are not known here");
  refuse(config, where, "rank_pattern", "one rank serves all layers here");
  refuse(config, where, "alpha_pattern", "one alpha serves all layers here");
  refuse(config, where, "layer_replication", "layers cannot be repeated here");
  refuse(config, where, "lora_bias", "lora_B has no bias here");
  refuse(config, where, "target_parameters", "only linear layers can be targets here");
  refuse(config, where, "trainable_token_indices", "embeddings cannot be targets here");
  if (const auto it = config.find("init_lora_weights"); it != config.end() && it->is_string())
    check(*it == "gaussian" || *it == "orthogonal", where, "\"init_lora_weights\" is ", it->dump(),
          ", which also changes the base weights, and those are not in the file",
          hint("save it in PEFT with path_initial_model_for_weight_conversion, which makes an "
               "ordinary LoRA file"));
  const auto bias = get_or<std::string>(config, "bias", "none", where);
  check(bias == "none" || bias == "all" || bias == "lora_only", where, "\"bias\" is \"", bias,
        "\"; \"none\", \"lora_only\" and \"all\" are known");
  const auto paths = modules_with(tensors, ".lora_A.weight");
  check(!paths.empty(), where, "there is no tensor with lora_A in its name");
  const bool rslora = get_or<bool>(config, "use_rslora", false, where);
  Json options = {{"r", get_or<int64_t>(config, "r", 8, where)},
                  {"alpha", get_or<double>(config, "lora_alpha", 8, where)},
                  {"dropout", get_or<double>(config, "lora_dropout", 0, where)},
                  {"rslora", rslora}};
  if (bias == "lora_only") options["bias"] = bias;
  add_sites(options, paths);
  return spell_spec("lora", options) + (bias == "all" ? "+bitfit" : "");
}

std::string ia3_spec(const Tensors& tensors, const std::string& where) {
  const auto paths = modules_with(tensors, ".ia3_l");
  check(!paths.empty(), where, "there is no tensor with ia3_l in its name");
  Json options = Json::object();
  add_sites(options, paths);
  return spell_spec("ia3", options);
}

std::string prefix_spec(const Json& config, const Tensors& tensors, const std::string& where) {
  const auto table = tensors.find("prompt_embeddings");
  check(table != tensors.end() && table->second.dims.size() == 2, where,
        "there is no matrix called prompt_embeddings");
  const auto submodules = get_or<int64_t>(config, "num_transformer_submodules", 1, where);
  check(submodules == 1, where, "\"num_transformer_submodules\" is ", submodules,
        ": a prefix for encoder and decoder does not fit here");
  const auto length = get_or<int64_t>(config, "num_virtual_tokens", table->second.dims[0], where);
  check(length == table->second.dims[0], where, "\"num_virtual_tokens\" is ", length,
        ", but prompt_embeddings has ", table->second.dims[0], " rows");
  return spell_spec("prefix", {{"length", length}, {"flat", true}});
}

}  // namespace

std::string spec_from_peft(const Json& config, const Tensors& tensors, const std::string& where) {
  const auto type = engine::get<std::string>(config, "peft_type", where);
  if (type == "LORA") return lora_spec(config, tensors, where);
  if (type == "IA3") return ia3_spec(tensors, where);
  if (type == "PREFIX_TUNING") return prefix_spec(config, tensors, where);
  engine::fail(where, "\"peft_type\" is \"", type, "\"",
               hint("LORA, IA3 and PREFIX_TUNING can be read"));
}

}  // namespace peft
