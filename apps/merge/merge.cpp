#include "apps/merge/merge.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>

#include "apps/common/format.h"
#include "engine/base/mapping.h"
#include "engine/nn/linear.h"
#include "peft/adapter_file.h"
#include "run/predictor.h"

namespace apps {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

namespace {

// Logits for a text that is the same for all: what must not change by merging.
std::vector<double> probe(run::Predictor& opened) {
  engine::TokenBatch batch;
  batch.ids = opened.tokenizer()
                  .encode("The merged model has to say what the adapter said: 1, 2, 3 ...",
                          std::min(opened.max_length(), 64))
                  .ids;
  batch.types.assign(batch.ids.size(), 0);
  batch.segments.add(static_cast<int32_t>(batch.ids.size()));
  batch.examples = {0};
  models::SequenceClassifier& model = *opened.model().model;
  if (model.config().facts.encodes_and_decodes()) {
    batch.output.ids = batch.ids;
    batch.output.segments = batch.segments;
  }
  engine::Workspace workspace;
  engine::Graph g(workspace, {.record = false});
  const models::HeadKind head = opened.task().head();
  const engine::Tensor logits = head == models::HeadKind::language_model
                                    ? model.vocabulary().logits(g, model.encode(g, batch))
                                : head == models::HeadKind::token_classification
                                    ? model.head(g, model.encode(g, batch))
                                    : model.logits(g, batch);
  return {logits.data(), logits.data() + logits.size()};
}

// A merged model whose values are not numbers, or not in the range of its type, is no model.
void check_values(const engine::ParameterStore& store, engine::DType dtype) {
  const double most = dtype == engine::DType::F16 ? 65504 : std::numeric_limits<float>::max();
  for (const engine::Parameter* p : store.all()) {
    int64_t nan = 0, large = 0;
    for (int64_t i = 0; i < p->count(); ++i) {
      const double x = std::abs(static_cast<double>(p->value[i]));
      nan += std::isnan(x);
      large += x > most;
    }
    check(nan == 0, "merge", p->name, " has ", nan, " values that are no numbers (NaN)",
          hint("the adapter or its base is damaged, or training ran away; nothing was written"));
    check(large == 0, "merge", p->name, " has ", large, " values beyond ", most,
          ", the largest of ", engine::dtype_name(dtype),
          hint(dtype == engine::DType::F16 ? "give --dtype BF16 or F32; nothing was written"
                                           : "did training run away? Nothing was written"));
  }
}

}  // namespace

void merge_adapter(const MergeOptions& options, std::ostream& log) {
  const fs::path adapter = run::adapter_folder(options.adapter);
  check(!fs::exists(options.out) || fs::is_empty(options.out), "merge", options.out.string(),
        " exists and is not empty", hint("give a new folder with --out; nothing was changed"));
  const engine::DType dtype = engine::parse_dtype(options.dtype, "--dtype");
  check(dtype == engine::DType::F32 || dtype == engine::DType::F16 || dtype == engine::DType::BF16,
        "merge", "--dtype ", options.dtype, " is not one of F32, F16, BF16");
  const std::string spec = options.sum ? options.sum->spec : peft::load_adapter(adapter).spec;
  const std::string obstacle = peft::make_strategy(spec)->why_not_mergeable();
  check(obstacle.empty(), "merge", obstacle);

  // Merging writes into weights, so none may stay in the mapped file.
  run::PredictRequest request;
  request.model = options.model;
  request.adapter = options.adapter.string();
  request.tokenizer = options.tokenizer;
  request.seed = options.seed;
  request.writable = true;
  run::Located found = run::locate(request, "merge");
  if (options.sum) found.adapter = options.sum;
  run::Predictor opened(std::move(found), request);
  check(opened.fresh().empty(), "merge", "neither the adapter nor its base has ",
        opened.fresh().empty() ? "" : opened.fresh().front(),
        hint("an adapter of another kind of head? Merging it would save random weights"));
  engine::ParameterStore& store = *opened.model().store;
  const std::vector<double> before = probe(opened);
  opened.model().strategy->merge(store);

  // What was injected is neutral now, and an ordinary model does not have it.
  engine::remove_merged_hooks(opened.model().sites);
  models::SequenceClassifier& model = *opened.model().model;
  const engine::ParameterStore merged(model);
  check_values(merged, dtype);
  engine::check_mappings_unchanged();
  models::save_classifier(options.out, model, merged, dtype);
  opened.tokenizer().save(options.out);
  const fs::path generation = opened.model().source.folder / "generation_config.json";
  if (opened.model().source.has_weights() && fs::exists(generation))
    fs::copy_file(generation, options.out / generation.filename());
  if (opened.known()) {
    run::Known known = *opened.known();
    known.model.clear();
    known.tokenizer.clear();
    run::write_known(options.out, known);
  }
  log << "merged " << opened.model().strategy->spec() << " into " << opened.model().source.spec
      << ": " << format_count(merged.total_count()) << " parameters as " << options.dtype << " in "
      << options.out.string() << '\n';

  run::PredictRequest written;
  written.model = options.out.string();
  run::Predictor again(written);
  const std::vector<double> after = probe(again);
  double change = 0, largest = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    change = std::max(change, std::abs(after[i] - before[i]));
    largest = std::max(largest, std::abs(before[i]));
  }
  check(dtype != engine::DType::F32 || change <= 1e-3 * std::max(1.0, largest), "merge",
        "the merged model in ", options.out.string(), " differs from the adapter on its base by ",
        change, " in a logit", hint("please report this: do not use the folder"));
  log << "the largest change of a logit on a probe is " << format_significant(change, 2)
      << ", of logits up to " << format_significant(largest, 2) << '\n';
}

}  // namespace apps
