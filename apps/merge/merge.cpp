#include "apps/merge/merge.h"

#include <ostream>

#include "apps/common/format.h"
#include "engine/nn/linear.h"
#include "peft/adapter_file.h"
#include "run/predictor.h"

namespace apps {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

void merge_adapter(const MergeOptions& options, std::ostream& log) {
  const fs::path adapter = run::adapter_folder(options.adapter);
  check(!fs::exists(options.out) || fs::is_empty(options.out), "merge", options.out.string(),
        " exists and is not empty", hint("give a new folder with --out; nothing was changed"));
  const engine::DType dtype = engine::parse_dtype(options.dtype, "--dtype");
  check(dtype == engine::DType::F32 || dtype == engine::DType::F16 || dtype == engine::DType::BF16,
        "merge", "--dtype ", options.dtype, " is not one of F32, F16, BF16");
  const peft::AdapterFile file = peft::load_adapter(adapter);
  const std::string obstacle = peft::make_strategy(file.spec)->why_not_mergeable();
  check(obstacle.empty(), "merge", obstacle);

  // Merging writes into weights, so none may stay in the mapped file.
  run::PredictRequest request;
  request.model = options.model;
  request.adapter = options.adapter.string();
  request.tokenizer = options.tokenizer;
  request.seed = options.seed;
  request.writable = true;
  run::Predictor opened(request);
  check(opened.fresh().empty(), "merge", "neither the adapter nor its base has ",
        opened.fresh().empty() ? "" : opened.fresh().front(),
        hint("an adapter of another kind of head? Merging it would save random weights"));
  engine::ParameterStore& store = *opened.model().store;
  opened.model().strategy->merge(store);

  // What was injected is neutral now, and an ordinary model does not have it.
  for (const engine::LinearSite& site : opened.model().sites.linears) site.linear->remove_hooks();
  models::SequenceClassifier& model = *opened.model().model;
  const engine::ParameterStore merged(model);
  models::save_classifier(options.out, model, merged, dtype);
  opened.tokenizer().save(options.out);
  if (opened.known()) {
    run::Known known = *opened.known();
    known.model.clear();
    known.tokenizer.clear();
    run::write_known(options.out, known);
  }
  log << "merged " << opened.model().strategy->spec() << " into " << opened.model().source.spec
      << ": " << format_count(merged.total_count()) << " parameters as " << options.dtype << " in "
      << options.out.string() << '\n';
}

}  // namespace apps
