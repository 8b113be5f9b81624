#include "apps/merge/merge.h"

#include <ostream>

#include "apps/common/format.h"
#include "engine/nn/linear.h"
#include "peft/adapter_file.h"
#include "run/session.h"

namespace apps {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

namespace {

// The number of classes and their names are in the run's record beside the adapter; without one the
// head's size decides.
void set_labels(models::ModelConfig& config, const fs::path& adapter,
                const peft::AdapterFile& file) {
  const fs::path record = adapter.parent_path() / "run.json";
  if (fs::exists(record)) {
    const engine::Json json = engine::json_file(record);
    if (json.contains("task_info")) {
      const auto info = data::TaskInfo::from_json(json["task_info"]);
      models::set_labels(config, info.outputs(), info.labels);
      return;
    }
  }
  for (const char* name : {"classifier.weight", "classifier.out_proj.weight"})
    if (const auto it = file.tensors.find(name); it != file.tensors.end())
      models::set_labels(config, static_cast<int>(it->second.dims.front()), {});
}

}  // namespace

void merge_adapter(const MergeOptions& options, std::ostream& log) {
  const fs::path adapter =
      fs::exists(options.adapter / "adapter") ? options.adapter / "adapter" : options.adapter;
  check(!fs::exists(options.out) || fs::is_empty(options.out), "merge", options.out.string(),
        " exists and is not empty", hint("give a new folder with --out; nothing was changed"));
  const engine::DType dtype = engine::parse_dtype(options.dtype, "--dtype");
  check(dtype == engine::DType::F32 || dtype == engine::DType::F16 || dtype == engine::DType::BF16,
        "merge", "--dtype ", options.dtype, " is not one of F32, F16, BF16");
  const peft::AdapterFile file = peft::load_adapter(adapter);
  const auto strategy = peft::make_strategy(file.spec);
  const std::string obstacle = strategy->why_not_mergeable();
  check(obstacle.empty(), "merge", obstacle);

  const std::string tokenizer = run::tokenizer_folder(options.model, "");
  const auto vocabulary = data::load_tokenizer(tokenizer);
  models::ModelSource source = models::open_model(options.model, vocabulary->vocab_size());
  set_labels(source.config, adapter, file);
  models::SequenceClassifier model(source.config);
  engine::Sites sites = model.sites();
  peft::apply(*strategy, sites, model);
  engine::ParameterStore store(model);
  store.allocate();
  // Merging writes into weights, so none may stay in the mapped file.
  if (source.has_weights())
    engine::load_checkpoint(source.folder, store, {.borrow = false, .allow_head_mismatch = true});
  store.initialise(options.seed);
  peft::apply_adapter(file, store, run::model_identity(source, options.seed));
  strategy->merge(store);

  // What was injected is neutral now, and an ordinary model does not have it.
  for (const engine::LinearSite& site : sites.linears) site.linear->remove_hooks();
  const engine::ParameterStore merged(model);
  models::save_classifier(options.out, model, merged, dtype);
  vocabulary->save(options.out);
  log << "merged " << strategy->spec() << " into " << options.model << ": "
      << format_count(merged.total_count()) << " parameters as " << options.dtype << " in "
      << options.out.string() << '\n';
}

}  // namespace apps
