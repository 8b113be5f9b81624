#include "run/locate.h"

#include "run/by_name.h"
#include "run/gguf_tokenizer.h"
#include "run/model.h"

namespace run {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

Located locate(const ModelRequest& request, const char* command) {
  Located found;
  std::string model = request.model, tokenizer = request.tokenizer, where = request.adapter;
  if (!request.run.empty()) {
    check(fs::exists(fs::path(request.run) / "run.json"), command, request.run,
          " is not the folder of a run (it has no run.json)",
          hint("for a model or an adapter give --model and --adapter"));
    check(fs::exists(fs::path(request.run) / "adapter" / "adapter_config.json"), command,
          request.run, " has no adapter/: the run is not finished",
          hint("go on with it: --resume --out ", request.run));
    where = request.run;
  }
  if (!where.empty()) {
    found.adapter = peft::load_adapter(adapter_folder(where));
    found.known = find_known(where);
    if (!found.known) found.known = find_known(adapter_folder(where));
    if (found.known && model.empty()) model = found.known->model;
    if (found.known && tokenizer.empty()) tokenizer = found.known->tokenizer;
    if (model.empty()) {
      model = found.adapter->base_model;
      const auto revision =
          engine::get_or<std::string>(found.adapter->config, "revision", "", "adapter_config.json");
      if (!revision.empty() && hub::parse_name(model)) model += "@" + revision;
    }
  }
  check(
      !model.empty(), "model", "no --model was given",
      hint("the name of a model on the hub, a Hugging Face folder, or random:layers=2,hidden=128"));
  const std::string folder = by_name(model, tokenizer.empty() ? Need::model : Need::weights);
  if (where.empty() && !models::is_random_model(model)) found.known = find_known(folder);
  found.tokenizer_folder = tokenizer_folder(folder, by_name(tokenizer, Need::tokenizer));
  found.tokenizer = load_tokenizer(found.tokenizer_folder);
  found.source = models::open_model(folder, found.tokenizer->vocab_size());
  found.source.spec = model;
  check(found.tokenizer->vocab_size() <= found.source.config.facts.vocab, "model",
        "the tokenizer has ", found.tokenizer->vocab_size(), " entries, the model's table ",
        found.source.config.facts.vocab, hint("they do not belong together"));
  found.seed = request.seed != 0 ? request.seed : found.known ? found.known->seed : 42;
  return found;
}

bool is_language_model(const Located& found) {
  const models::ModelConfig& config = found.source.config;
  if (!config.facts.writes()) return false;
  if (found.known) return found.known->task.kind == "lm";
  if (found.adapter) {
    const auto type =
        engine::get_or<std::string>(found.adapter->config, "task_type", "", "adapter_config.json");
    if (!type.empty()) return type == "CAUSAL_LM" || type == "SEQ_2_SEQ_LM";
    for (const auto& [name, tensor] : found.adapter->tensors)
      if (name.starts_with("score.") || name.starts_with("classifier.")) return false;
  }
  const engine::Json& raw = config.raw;
  return !raw.is_object() || !raw.contains("architectures") ||
         raw["architectures"].dump().find("Classification") == std::string::npos;
}

}  // namespace run
