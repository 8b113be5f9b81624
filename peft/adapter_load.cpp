#include <algorithm>

#include "engine/base/error.h"
#include "engine/io/checkpoint.h"
#include "engine/io/torch_file.h"
#include "peft/adapter_file.h"
#include "peft/joined_parts.h"
#include "peft/peft_config.h"
#include "peft/spec.h"

namespace peft {
namespace {

using engine::check;
using engine::concat;
using engine::hint;
using engine::Json;
using engine::Parameter;
using Tensors = std::map<std::string, engine::SafeTensor>;

constexpr int64_t kFormatVersion = 1;

// "base_model.model.bert...query.lora_A.weight" -> "bert...query.lora_A.weight". Files of
// microsoft/LoRA's loralib have neither the prefix nor the ".weight".
std::string our_name(std::string name) {
  for (const char* prefix : {"base_model.model.", "base_model."})
    if (name.starts_with(prefix)) {
      name = name.substr(std::string(prefix).size());
      break;
    }
  if (const size_t at = name.find(".base_layer."); at != std::string::npos)
    name.erase(at, std::string(".base_layer").size());
  if (name.ends_with(".lora_A") || name.ends_with(".lora_B")) name += ".weight";
  return name;
}

struct TensorFile {
  std::filesystem::path path;
  Tensors tensors;
  engine::Metadata metadata;  // of safetensors
};

// adapter_model.safetensors, or what PEFT writes with safe_serialization=False.
TensorFile open_tensors(const std::filesystem::path& folder) {
  const auto safe = folder / "adapter_model.safetensors", torch = folder / "adapter_model.bin";
  if (!std::filesystem::exists(safe) && std::filesystem::exists(torch))
    return {torch, engine::read_torch_file(torch), {}};
  check(std::filesystem::exists(safe), "adapter", "there is no ", safe.string(),
        hint("an adapter is a folder with adapter_config.json and adapter_model.safetensors (or "
             "adapter_model.bin)"));
  const auto file = engine::Safetensors::open(safe);
  return {safe, file.tensors(), file.metadata()};
}

// Of a module in modules_to_save, PEFT with bias="all" writes a bias three times: as itself, as
// "modules_to_save.bias" (the same) and as "original_module.bias" (as it was before training).
Tensors our_tensors(const TensorFile& file) {
  constexpr std::string_view kCopy = ".modules_to_save.", kOriginal = ".original_module.";
  Tensors tensors;
  const auto add = [&](std::string name, const engine::SafeTensor& tensor) {
    name = our_name(std::move(name));
    check(tensors.emplace(name, tensor).second, file.path.string(), "two tensors would both be ",
          name);
  };
  for (const auto& [name, tensor] : file.tensors) {
    if (name.find(kOriginal) != std::string::npos) continue;
    // Beside an adapter on an embedding PEFT saves the base's own weight.
    if (name.ends_with(".base_layer.weight")) continue;
    const size_t at = name.find(kCopy);
    if (at == std::string::npos) {
      add(name, tensor);
      continue;
    }
    const std::string plain = name.substr(0, at + 1) + name.substr(at + kCopy.size());
    if (!file.tensors.contains(plain)) add(plain, tensor);
  }
  return tensors;
}

// How the tensors are named, for a folder that lacks its configuration.
std::string advice_without_config(const std::filesystem::path& folder) {
  const auto path = folder / "adapter_model.safetensors";
  if (!std::filesystem::exists(path))
    return "an adapter is a folder with adapter_config.json and adapter_model.safetensors";
  const auto file = engine::Safetensors::open(path);
  for (const auto& [name, tensor] : file.tensors())
    if (name.ends_with(".lora_A") && !tensor.dims.empty())
      return concat(
          "the tensors have the names of microsoft/LoRA's loralib (lora_A without .weight). Such a "
          "file does not say alpha; put "
          "an adapter_config.json beside it, for instance {\"peft_type\": \"LORA\", \"r\": ",
          tensor.dims.front(), ", \"lora_alpha\": 16}");
  return "the configuration says what the tensors mean; it should be beside them";
}

std::string list_text(const std::string& what, const std::vector<std::string>& items) {
  constexpr size_t kShown = 12;
  if (items.empty()) return "";
  std::string out = concat("\n", what, " (", items.size(), "):");
  for (size_t i = 0; i < std::min(items.size(), kShown); ++i) out += "\n  " + items[i];
  if (items.size() > kShown) out += concat("\n  and ", items.size() - kShown, " more");
  return out;
}

// The part of the names that a model with a head has and its bare encoder has not: "bert.".
std::string base_prefix(const engine::ParameterStore& store) {
  for (const Parameter* p : store.all())
    if (p->role == engine::Role::embedding) return p->name.substr(0, p->name.find('.') + 1);
  return "";
}

// "ln_1.ln_tuning_layers.weight" -> "ln_1.weight".
Tensors without_norm_copies(Tensors tensors) {
  Tensors out;
  for (auto& [name, tensor] : tensors) {
    std::string ours = name;
    if (const size_t at = ours.find(kNormCopy); at != std::string::npos)
      ours.erase(at, kNormCopy.size());
    out.emplace(std::move(ours), std::move(tensor));
  }
  return out;
}

// The spec without what a prefix or a prompt began as: the file has their values, and whoever opens
// it may have no tokenizer to read a text with.
std::string without_beginnings(const std::string& spec) {
  std::string out;
  for (const SpecPart& part : parse_spec(spec, strategy_names())) {
    out += (out.empty() ? "" : "+") + part.name;
    char mark = ':';
    for (const auto& [key, value] : part.options) {
      if ((part.name == "prefix" || part.name == "prompt") && (key == "init" || key == "text"))
        continue;
      out += mark + key + "=" + value;
      mark = ',';
    }
  }
  return make_strategy(out)->spec();
}

// Sets the spec: the one that the file was saved with, if the configuration still says the same
// numbers (somebody may have edited alpha there), else the configuration's.
void read_spec(AdapterFile& out, const engine::Metadata& metadata, Fused fused,
               const std::string& where) {
  const std::string translated = spec_from_peft(out.config, out.tensors, where);
  try {
    out.spec = make_strategy(translated)->spec();
  } catch (const engine::Error& e) {  // speaks of our spec, which nobody wrote
    engine::fail(where, "says what cannot be read: ", e.what());
  }
  if (fused == Fused::joined) return;
  const auto said = [&](const char* key) {
    const auto it = metadata.find(key);
    return it == metadata.end() ? std::string() : it->second;
  };
  const std::string spec = said("peft_cpp_spec"), settings = said("peft_cpp_settings"),
                    parts = said("peft_cpp_parts"), type = out.config.at("peft_type");
  if (spec.empty() || type == "PREFIX_TUNING" || type == "PROMPT_TUNING") return;
  if (type == "LORA" && settings != lora_settings(out.config)) return;
  if (!parts.empty() && !split_parts(out, engine::parse_json(parts, where))) return;
  out.spec = make_strategy(spec)->spec();
}

// PEFT's prompt of an encoder-decoder has rows for the decoder too, which it never reads.
void drop_decoder_rows(AdapterFile& out, const std::string& where) {
  const auto table = out.tensors.find("prompt_embeddings");
  if (out.config.value("peft_type", "") != "PROMPT_TUNING" || table == out.tensors.end() ||
      engine::get_or<int64_t>(out.config, "num_transformer_submodules", 1, where) != 2)
    return;
  engine::SafeTensor& rows = table->second;
  const auto length = engine::get_or<int64_t>(out.config, "num_virtual_tokens", 0, where);
  if (rows.dims.size() != 2 || length <= 0 || rows.dims[0] != 2 * length) return;
  rows.dims[0] = length;
  rows.bytes /= 2;
}

}  // namespace

AdapterFile load_adapter(const std::filesystem::path& folder, Fused fused) {
  const auto config_path = folder / "adapter_config.json";
  check(std::filesystem::exists(config_path), "adapter", "there is no ", config_path.string(),
        hint(advice_without_config(folder)));
  const std::string where = config_path.string();
  AdapterFile out;
  out.folder = folder;
  out.config = engine::json_file(config_path);
  out.base_model = engine::get_or<std::string>(out.config, "base_model_name_or_path", "", where);
  TensorFile file = open_tensors(folder);
  out.file = file.path;

  if (engine::has(out.config, "peft_cpp")) {
    const Json& ours = out.config["peft_cpp"];
    const auto version = engine::get<int64_t>(ours, "format_version", where);
    check(version == kFormatVersion, where, "format_version is ", version,
          ", and this program knows ", kFormatVersion);
    out.spec = without_beginnings(engine::get<std::string>(ours, "spec", where));
    out.base_hash = engine::get_or<std::string>(ours, "base_model_hash", "", where);
    out.tensors = std::move(file.tensors);
    return out;
  }
  check(engine::has(out.config, "peft_type"), where,
        "there is neither \"peft_type\" nor \"peft_cpp\"",
        hint("is it a file of the AdapterHub library? Only Hugging Face PEFT's format and our own "
             "can be read"));
  out.peft = true;
  out.tensors = our_tensors(file);
  if (const auto hash = file.metadata.find("base_model_hash"); hash != file.metadata.end())
    out.base_hash = hash->second;
  drop_decoder_rows(out, where);
  read_spec(out, file.metadata, fused, where);
  out.tensors = without_norm_copies(std::move(out.tensors));
  return out;
}

void apply_adapter(const AdapterFile& file, engine::ParameterStore& store,
                   const std::string& base_hash, const ApplyOptions& options) {
  const std::string where = file.file.string();
  check(
      file.base_hash.empty() || base_hash.empty() || file.base_hash == base_hash, where,
      "was trained on another base model: ", file.base_model.empty() ? "one" : file.base_model,
      " with hash ", file.base_hash, ", and this one has ", base_hash,
      hint("load the base model that it was trained on; on another one its numbers mean nothing"));

  const std::string prefix = base_prefix(store);
  std::vector<std::pair<Parameter*, const engine::SafeTensor*>> found;
  std::vector<std::string> unexpected, missing, mismatched;
  for (const auto& [name, tensor] : file.tensors) {
    Parameter* p = store.find(name);
    if (!p) p = store.find(prefix + name);  // saved from the bare encoder
    if (!p) {
      unexpected.push_back(name);
      continue;
    }
    const auto dims =
        p->transposed_in_file ? std::vector<int64_t>(p->dims.rbegin(), p->dims.rend()) : p->dims;
    if (tensor.dims != dims)
      mismatched.push_back(concat(name, ": ", engine::dims_text(tensor.dims), " in the file, ",
                                  engine::dims_text(dims), " here"));
    found.emplace_back(p, &tensor);
  }
  std::map<const Parameter*, int> times;
  for (const auto& [p, tensor] : found) ++times[p];
  for (Parameter* p : store.all()) {
    if (times[p] > 1) unexpected.push_back(p->name + " (there twice)");
    if (p->trainable && times[p] == 0 &&
        !(options.allow_missing_head && p->role == engine::Role::head))
      missing.push_back(p->name);
  }
  check(unexpected.empty() && missing.empty() && mismatched.empty(), where,
        "does not fit this model with strategy ", file.spec,
        list_text("tensors that the model has no parameter for", unexpected),
        list_text("trained parameters that are not in the file", missing),
        list_text("other shapes", mismatched));
  for (const auto& [p, tensor] : found) {
    engine::load_parameter(*tensor, *p, store, /*borrow=*/false);
    p->loaded = true;
  }
}

}  // namespace peft
