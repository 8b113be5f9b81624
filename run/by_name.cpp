#include "run/by_name.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "data/tokenizer_names.h"
#include "engine/io/json.h"
#include "hub/errors.h"

namespace run {

namespace fs = std::filesystem;
using engine::check;
using engine::concat;
using engine::hint;
using hub::Repository;
using Files = std::vector<std::string>;

namespace {

constexpr const char* kConfig = "config.json";
constexpr const char* kTokenizerConfig = "tokenizer_config.json";

// In the order in which engine::Checkpoint looks for them.
struct Weights {
  const char* file;
  bool index;  // of shards
};
constexpr Weights kWeights[] = {{"model.safetensors", false},
                                {"model.safetensors.index.json", true},
                                {"pytorch_model.bin", false},
                                {"pytorch_model.bin.index.json", true}};

// Any one of these makes a tokenizer.
const std::vector<Files> kTokenizers = {
    {"tokenizer.json"}, {"vocab.txt"},       {"vocab.json", "merges.txt"}, {"spiece.model"},
    {"spm.model"},      {"tokenizer.model"}, {"sentencepiece.bpe.model"}};

bool needs_tokenizer(Need need) { return need == Need::tokenizer || need == Need::model; }
bool needs_weights(Need need) { return need == Need::weights || need == Need::model; }

// The files that an index of shards names. What they are called comes from the hub: a name that
// leads out of the folder is an error.
Files shards(const fs::path& index) {
  const engine::Json json = engine::json_file(index);
  std::set<std::string> names;
  const auto map = engine::get<engine::Json>(json, "weight_map", index.string());
  for (const auto& [tensor, file] : map.items())
    names.insert(engine::json_as<std::string>(file, index.string() + ": " + tensor));
  for (const std::string& name : names)
    check(hub::is_plain_path(name), index.string(), "names the shard '", name,
          "', which leads out of its folder");
  return {names.begin(), names.end()};
}

bool has_weights(const Repository& model) {
  return std::any_of(std::begin(kWeights), std::end(kWeights), [&](const Weights& w) {
    const auto file = model.find(w.file);
    if (!file || !w.index) return file.has_value();
    const Files parts = shards(*file);
    return std::all_of(parts.begin(), parts.end(),
                       [&](const std::string& part) { return model.find(part).has_value(); });
  });
}

bool has_all(const Repository& model, const Files& files) {
  return std::all_of(files.begin(), files.end(),
                     [&](const std::string& file) { return model.find(file).has_value(); });
}

// What cannot be done without.
bool is_usable(const Repository& model, Need need) {
  if (need != Need::tokenizer && !model.find(kConfig)) return false;
  if (needs_tokenizer(need) &&
      std::none_of(kTokenizers.begin(), kTokenizers.end(),
                   [&](const Files& files) { return has_all(model, files); }))
    return false;
  return !needs_weights(need) || has_weights(model);
}

// What to fetch of those that the hub lists, small files first: weights that are there say that the
// rest is there too, also when a process was killed between two files.
Files wanted(const Repository& model, Need need) {
  Files files;
  const auto add = [&](const std::string& file) {
    if (model.has(file)) files.push_back(file);
  };
  if (needs_tokenizer(need)) {
    std::set<std::string> vocabularies;  // of which tokenizer.json needs none
    for (const Files& any : kTokenizers) vocabularies.insert(any.begin(), any.end());
    const bool whole = model.has("tokenizer.json");
    for (const std::string file : data::kTokenizerFiles)
      if (!vocabularies.contains(file)) add(file);
    for (const std::string& file : vocabularies)
      if (whole == (file == "tokenizer.json")) add(file);
  }
  add("task.json");  // a model that peft merge wrote says its classes there
  if (needs_weights(need)) add("generation_config.json");
  if (need != Need::tokenizer) add(kConfig);
  return files;
}

void fetch_weights(Repository& model) {
  for (const Weights& w : kWeights) {
    if (!model.has(w.file)) continue;
    model.fetch({w.file});
    if (w.index) model.fetch(shards(*model.find(w.file)));
    return;
  }
  const bool adapter = model.has("adapter_config.json");
  engine::fail(model.name().text(), "has neither model.safetensors nor pytorch_model.bin",
               hint(adapter ? "it is an adapter: name its base model with --model, and the folder "
                              "of the adapter with --adapter"
                            : "weights of TensorFlow, Flax or ONNX are not read; a GGUF file "
                              "is, once it is here: --model FILE.gguf"));
}

void fetch_needed(Repository& model, Need need) {
  model.refresh();
  if (needs_tokenizer(need))
    model.note_absent({std::begin(data::kTokenizerFiles), std::end(data::kTokenizerFiles)});
  check(need == Need::tokenizer || model.has(kConfig), model.name().text(), "has no ", kConfig,
        hint("only models in the form of Hugging Face's transformers can be opened"));
  model.fetch(wanted(model, need));
  if (needs_weights(need)) fetch_weights(model);
}

[[noreturn]] void unreachable(const Repository& model, const hub::Unreachable& why) {
  const std::string name = model.name().text();
  const std::string cache = model.settings().cache.string();
  engine::fail(
      "model", "there is no ", name, " here, the cache ", cache,
      model.known() ? " does not have all files of it" : " does not have it",
      ", and the hub could not be asked: ", why.what(),
      hint("with a network, peft fetch ", name, " gets it. Without one, copy ", cache, "/",
           hub::folder_name(model.name().repo),
           " from a machine that has it, or put config.json, model.safetensors and the tokenizer's "
           "files into a folder and give its path"));
}

std::string path_of(const Repository& model, Need need) {
  const fs::path folder = model.folder();
  // Weights that are not all there must not be looked for.
  return need == Need::config && !has_weights(model) ? (folder / kConfig).string()
                                                     : folder.string();
}

}  // namespace

bool is_complete(const Repository& model, Need need) {
  // A tokenizer's configuration changes what it says, so its absence is to be known.
  const bool configured =
      !needs_tokenizer(need) || model.find(kTokenizerConfig) || model.absent(kTokenizerConfig);
  return configured && is_usable(model, need);
}

std::string fetch(const hub::Name& name, Need need) {
  Repository model(name, hub::settings_from_environment(), hub::watcher());
  try {
    fetch_needed(model, need);
  } catch (const hub::Unreachable& e) {
    unreachable(model, e);
  }
  return model.folder().string();
}

std::string by_name(const std::string& spec, Need need) {
  const auto name = hub::parse_name(spec);
  if (!name) return spec;
  std::error_code error;
  if (fs::exists(spec, error)) {
    if (spec.ends_with(".gguf")) return spec;  // no model's name
    // A tokenizer beside a model is a folder as a rule.
    if (need != Need::tokenizer)
      hub::watcher().note(concat("model: ", spec, " is the one in this folder, not the hub's"));
    return spec;
  }
  Repository model(*name, hub::settings_from_environment(), hub::watcher());
  if (is_complete(model, need)) return path_of(model, need);
  try {
    fetch_needed(model, need);
  } catch (const hub::Unreachable& e) {
    if (!is_usable(model, need)) unreachable(model, e);
    hub::watcher().note(concat(spec, ": the hub could not be asked for its ", kTokenizerConfig,
                               ", so the cache's files are used without one (", e.what(), ")"));
  } catch (const hub::NotFound& e) {
    throw engine::Error(concat("model: there is no ", spec, " here, and ", e.what()));
  }
  return path_of(model, need);
}

}  // namespace run
