#include "models/pretrained.h"

#include "engine/base/atomic_file.h"
#include "models/gguf.h"
#include "models/registry.h"

namespace models {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

namespace {

bool has_weights(const fs::path& folder) {
  std::error_code ignored;
  for (const char* name : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                           "pytorch_model.bin.index.json"})
    if (fs::exists(folder / name, ignored)) return true;
  return false;
}

}  // namespace

ModelSource open_model(const std::string& spec, int64_t vocab_size_if_random) {
  ModelSource source;
  source.spec = spec;
  if (is_random_model(spec)) {
    source.random = true;
    source.config = config_from_spec(spec, vocab_size_if_random);
    return source;
  }
  const fs::path path(spec);
  std::error_code ignored;
  check(fs::exists(path, ignored), "model", "there is no ", spec,
        hint("give a Hugging Face folder (config.json, model.safetensors, vocab.txt), a "
             "config.json, a .gguf file, or random:layers=2,hidden=128"));
  if (const auto gguf = gguf_of(path)) {
    source.config = config_from_json(gguf_config(engine::Gguf::open(*gguf)), gguf->string());
    source.folder = *gguf;
    return source;
  }
  const bool folder = fs::is_directory(path);
  const fs::path config = folder ? path / "config.json" : path;
  check(fs::exists(config, ignored), "model", path.string(), " has no config.json",
        hint("a Hugging Face folder has one beside its weights"));
  source.config = config_from_json(engine::json_file(config), config.string());
  if (!folder) return source;
  source.folder = path;
  const Family& family = family_of(source.config.facts.model_type, config.string());
  if (family.settle && has_weights(path))
    family.settle(source.config.json, engine::Checkpoint(path));
  return source;
}

engine::Checkpoint checkpoint_of(const ModelSource& source) {
  if (engine::Gguf::is_one(source.folder))
    return gguf_checkpoint(engine::Gguf::open(source.folder));
  return engine::Checkpoint(source.folder);
}

engine::LoadReport load_weights(const ModelSource& source, engine::ParameterStore& store,
                                uint64_t seed, bool allow_head_mismatch) {
  engine::LoadReport report;
  if (source.has_weights()) {
    engine::LoadOptions options;
    options.allow_head_mismatch = allow_head_mismatch;
    report = engine::load_checkpoint(checkpoint_of(source), store, options);
  } else {
    for (const engine::Parameter* p : store.all()) report.missing.push_back(p->name);
  }
  store.initialise(seed);
  return report;
}

engine::Json with_dtype(engine::Json config, engine::DType dtype) {
  const char* name = dtype == engine::DType::F16    ? "float16"
                     : dtype == engine::DType::BF16 ? "bfloat16"
                     : dtype == engine::DType::F64  ? "float64"
                                                    : "float32";
  const bool newer = config.contains("dtype");
  if (newer) config.erase("torch_dtype");
  config[newer ? "dtype" : "torch_dtype"] = name;
  return config;
}

void save_classifier(const fs::path& folder, const SequenceClassifier& model,
                     const engine::ParameterStore& store, engine::DType dtype) {
  engine::save_model(folder, store, dtype);
  engine::Json config = with_dtype(model.config().to_json(), dtype);
  if (model.untied()) config["tie_word_embeddings"] = false;
  engine::write_file_atomically(folder / "config.json", engine::json_text(config, 2) + "\n");
}

}  // namespace models
