#include <algorithm>
#include <set>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/io/checkpoint.h"
#include "peft/adapter_file.h"
#include "peft/joined_parts.h"
#include "peft/peft_config.h"
#include "peft/prefix.h"
#include "peft/prompt.h"

namespace peft {
namespace {

using engine::Json;
using engine::Parameter;
using engine::Role;

engine::TensorToSave to_save(const std::string& name, const Parameter& p) {
  engine::check(p.value != nullptr, "adapter", p.name, " has no values yet");
  engine::TensorToSave t{name, p.dims, p.value, engine::DType::F32,
                         p.transposed_in_file && p.dims.size() == 2};
  if (t.transpose) std::swap(t.dims[0], t.dims[1]);
  return t;
}

std::vector<std::string> module_paths(const engine::ParameterStore& store) {
  std::vector<std::string> paths;
  for (const Parameter* p : store.all())
    if (p->role != Role::injected && p->name.ends_with(".weight"))
      paths.push_back(p->name.substr(0, p->name.size() - 7));
  return paths;
}

// Modules at the top that are the head: "classifier", "pre_classifier".
std::vector<std::string> head_modules(const engine::ParameterStore& store) {
  std::set<std::string> names;
  for (const Parameter* p : store.all())
    if (p->role == Role::head) names.insert(p->name.substr(0, p->name.find('.')));
  return {names.begin(), names.end()};
}

std::string module_of(const Parameter& p) { return p.name.substr(0, p.name.rfind('.')); }

// Modules outside of the head of which the base lacks a part ("bert.pooler.dense" of a masked
// language model): drawn from a seed, so nobody could open the adapter without them. Whole modules,
// as PEFT's modules_to_save.
std::set<std::string> fresh_modules(const engine::ParameterStore& store) {
  std::set<std::string> modules;
  if (!store.has_base()) return modules;
  for (const Parameter* p : store.all())
    if (!p->in_base && p->role != Role::injected && p->role != Role::head)
      modules.insert(module_of(*p));
  return modules;
}

// PEFT's key. The own parameters of a wrapped layer belong to its base_layer, those of a
// normalisation to a copy of it.
std::string peft_key(const Parameter& p, const std::string& prefix,
                     const std::set<std::string>& wrapped, bool norms) {
  if (p.role != Role::injected && wrapped.contains(module_of(p)))
    return prefix + module_of(p) + (norms ? std::string(kNormCopy) : ".base_layer") +
           p.name.substr(p.name.rfind('.'));
  return prefix + p.name;
}

}  // namespace

void save_adapter(const std::filesystem::path& folder, const Strategy& strategy,
                  const engine::ParameterStore& store, const AdapterInfo& info,
                  const engine::Sites& sites) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  engine::check(!error, "adapter", "cannot make the folder ", folder.string(), ": ",
                error.message());

  const std::set<std::string> fresh = fresh_modules(store);
  const auto saved = [&](const Parameter& p) {
    return strategy.trains(p) || (p.role != Role::injected && fresh.contains(module_of(p)));
  };
  std::vector<engine::TensorToSave> tensors;
  engine::Metadata metadata = {{"format", "pt"}};
  Json config;
  engine::Matrix table;  // these must live until the tensors are written
  std::vector<engine::Matrix> made;
  if (const std::string type = peft_type_of(strategy); !type.empty()) {
    const auto matched = strategy.matched();
    const std::set<std::string> wrapped(matched.begin(), matched.end());
    std::vector<std::string> whole = head_modules(store);
    for (const std::string& module : fresh)
      if (!wrapped.contains(module)) whole.push_back(module);
    std::sort(whole.begin(), whole.end());
    config = peft_config(strategy, info, sites, module_paths(store), whole);
    // PEFT would warn of a foreign key in its configuration, or refuse it; the safetensors metadata
    // is ours to fill.
    metadata["peft_cpp_spec"] = strategy.full_spec();
    if (!info.base_hash.empty()) metadata["base_model_hash"] = info.base_hash;
    const bool prefix = type == "PREFIX_TUNING", prompt = type == "PROMPT_TUNING";
    // What an MLP makes is saved as the table that it made.
    const auto* made_prompt = prompt ? dynamic_cast<const Prompt*>(&strategy) : nullptr;
    const bool as_table = prefix || (made_prompt && !made_prompt->flat());
    if (as_table) {
      table = prefix ? dynamic_cast<const Prefix&>(strategy).table() : made_prompt->table();
      tensors.push_back({"prompt_embeddings",
                         {table.rows(), table.cols()},
                         table.data(),
                         engine::DType::F32,
                         false});
    }
    std::vector<JoinedParts> joined;
    if (type == "LORA") {
      metadata["peft_cpp_settings"] = lora_settings(config);
      joined = joined_updates(*lora_of(strategy));
      std::erase_if(joined, [](const JoinedParts& j) { return !j.joined(); });
    }
    Json parts = Json::object();
    made.reserve(3 * joined.size());
    for (const JoinedParts& j : joined) {
      parts[j.path()] = j.parts();
      for (auto& tensor : j.tensors("base_model.model." + j.path(), made))
        tensors.push_back(std::move(tensor));
    }
    if (!joined.empty()) metadata["peft_cpp_parts"] = parts.dump();
    const auto in_parts = [&](const Parameter& p) {
      return std::any_of(joined.begin(), joined.end(),
                         [&](const JoinedParts& j) { return j.has(p); });
    };
    for (const Parameter* p : store.all())
      if (saved(*p) && !(as_table && p->role == Role::injected) && !in_parts(*p))
        tensors.push_back(
            to_save(prompt && p->role == Role::injected
                        ? p->name
                        : peft_key(*p, prefix || prompt ? "base_model." : "base_model.model.",
                                   wrapped, type == "LN_TUNING"),
                    *p));
  } else {
    config = {{"base_model_name_or_path", info.base_model},
              {"task_type", info.task_type},
              {"peft_cpp", {{"format_version", 1}, {"spec", strategy.full_spec()}}}};
    if (!info.base_hash.empty()) config["peft_cpp"]["base_model_hash"] = info.base_hash;
    for (const Parameter* p : store.all())
      if (saved(*p)) tensors.push_back(to_save(p->name, *p));
  }
  engine::write_safetensors(folder / "adapter_model.safetensors", std::move(tensors), metadata);
  engine::write_file_atomically(folder / "adapter_config.json", sorted_json(config) + "\n");
}

}  // namespace peft
