#include "run/predictor.h"

#include <algorithm>

#include "data/language/rows.h"
#include "engine/train/pieces.h"
#include "run/evaluate.h"
#include "run/texts.h"

namespace run {

using engine::check;

namespace {

// The width of the head in the file, by its last bias, or weight where a decoder has no bias; 0 if
// it has none.
int head_outputs(const peft::AdapterFile& file) {
  for (const char* name : {"classifier.bias", "classifier.out_proj.bias"})
    if (const auto it = file.tensors.find(name);
        it != file.tensors.end() && it->second.dims.size() == 1)
      return static_cast<int>(std::min<int64_t>(it->second.dims[0], INT32_MAX));
  for (const char* name : {"score.weight", "classifier.weight"})
    if (const auto it = file.tensors.find(name);
        it != file.tensors.end() && it->second.dims.size() == 2)
      return static_cast<int>(std::min<int64_t>(it->second.dims[0], INT32_MAX));
  return 0;
}

// What config.json alone says of the task.
data::TaskInfo task_of(const models::ModelConfig& config) {
  data::TaskInfo info;
  info.key = info.name = "model";
  const engine::Json raw = config.raw.is_object() ? config.raw : engine::Json::object();
  const std::string architecture = raw.contains("architectures") &&
                                           raw["architectures"].is_array() &&
                                           !raw["architectures"].empty()
                                       ? raw["architectures"][0].dump()
                                       : "";
  const bool tags = architecture.find("TokenClassification") != std::string::npos;
  const bool several = engine::get_or<std::string>(
                           config.raw.is_object() ? config.raw : engine::Json::object(),
                           "problem_type", "", "config.json") == "multi_label_classification";
  info.regression = config.num_labels == 1 && !tags;
  info.kind = tags ? "tag" : info.regression ? "regress" : several ? "multilabel" : "classify";
  if (!info.regression) {
    info.labels = config.labels;
    for (size_t i = info.labels.size(); i < static_cast<size_t>(config.num_labels); ++i)
      info.labels.push_back("LABEL_" + std::to_string(i));
    info.metrics = {tags ? "f1" : "accuracy"};
  } else {
    info.metrics = {"pearson", "spearman"};
  }
  return info;
}

// Whether a language model is asked for, or is what the files have.
bool is_language(const PredictRequest& request, const Located& found) {
  const bool asked = request.task == "lm" || request.task == "seq2seq";
  check(request.task.empty() || asked, "--task", "is ", request.task,
        "; it can only be lm or seq2seq here");
  return asked || is_language_model(found);
}

// As the run wrote and learned texts, unless the request says otherwise.
data::TaskInfo language_task(const PredictRequest& request, const Located& found) {
  data::TaskInfo info = data::language_info("texts", {});
  if (found.known) {
    check(found.known->task.kind == "lm", "--task lm", "the run trained another task, ",
          found.known->task.key, engine::hint("leave --task out"));
    info = found.known->task;
  }
  data::TextRules& text = info.text;
  const auto choose = [](const char* flag, const std::string& given, const char* a, const char* b) {
    check(given.empty() || given == a || given == b, flag, "is ", given, "; it must be ", a, " or ",
          b);
    return !given.empty();
  };
  if (choose("--loss", request.loss, "completion", "all")) text.all = request.loss == "all";
  if (choose("--truncation-side", request.truncation_side, "right", "left"))
    text.cut = request.truncation_side;
  if (!request.chat_format.empty()) text.chat_format = request.chat_format;
  text.end = end_token(*found.tokenizer, found.source.config);
  check_writes(found.source.config.facts);
  if (!found.known) {
    read_with_encoder(text, found.source.config.facts, 0);
    if (text.encoder || request.task == "seq2seq") info.key = "seq2seq";
  }
  return info;
}

// What is asked of the model; a head for classes gets its width and names in found.source.config.
data::TaskInfo find_task(const PredictRequest& request, Located& found) {
  if (is_language(request, found)) return language_task(request, found);
  models::ModelConfig& config = found.source.config;
  if (found.known) {
    models::set_labels(config, found.known->task.outputs(), found.known->task.labels);
    return found.known->task;
  }
  if (const int n = found.adapter ? head_outputs(*found.adapter) : 0;
      n > 0 && n != config.num_labels)
    models::set_labels(config, n, {});
  return task_of(config);
}

// Parameters of the head that no file had, where that makes predictions meaningless: a
// classifier's, and a language model's of a folder that should have it.
std::vector<std::string> fresh_head(const OpenModel& open) {
  std::vector<std::string> names;
  for (const engine::Parameter* p : open.store->all())
    if (!p->loaded && (p->role == engine::Role::head ||
                       (p->role == engine::Role::lm_head && open.source.has_weights())))
      names.push_back(p->name);
  return names;
}

}  // namespace

Predictor::Predictor(Located found, const PredictRequest& request, SharedBase* base) {
  task_ = tasks::make_task(find_task(request, found));
  known_ = std::move(found.known);
  tokenizer_ = std::move(found.tokenizer);
  tokenizer_folder_ = found.tokenizer_folder;
  seed_ = found.seed;
  const std::optional<peft::AdapterFile>& adapter = found.adapter;
  models::ModelConfig& config = found.source.config;
  config.head = task_->head();
  config.multi_label = info().kind == "multilabel";
  if (known_) columns_ = known_->columns;

  OpenOptions options{
      .seed = seed_, .allow_head_mismatch = adapter.has_value(), .writable = request.writable};
  if (base && !base->model)
    *base = {std::make_shared<OpenModel>(open_model(found.source, "frozen", options)),
             model_identity(found.source, seed_)};
  if (base) {
    options.base = base->model;
    check(base->model->source.config.head == config.head, "adapters", "have other kinds of heads (",
          info().key, " is of kind ", info().kind, ")",
          engine::hint("ask adapters of one kind together: classes, or tags of words"));
  }
  open_ = open_model(std::move(found.source), adapter ? adapter->spec : "frozen", options);
  if (adapter)
    peft::apply_adapter(*adapter, *open_.store,
                        base ? base->identity : model_identity(open_.source, seed_),
                        {.allow_missing_head = true});
  fresh_ = fresh_head(open_);
  task_->attach(*open_.model);

  const auto longest = static_cast<int>(longest_text(open_));
  const int said = tokenizer_->model_max_length();
  max_length_ = request.max_length > 0             ? request.max_length
                : known_ && known_->max_length > 0 ? known_->max_length
                : info().kind == "lm"              ? default_context(longest)
                : said > 0                         ? std::min(said, longest)
                                                   : longest;
  check(max_length_ <= longest, "predict", "--max-length ", max_length_, " is more than the ",
        longest, " positions that this model has for a text");
}

data::EncodedSplit Predictor::encode(std::span<const data::Example> examples) const {
  return task_->encode(*tokenizer_, examples, max_length_);
}

tasks::Predictions Predictor::predict(const data::EncodedSplit& split, int batch_size) {
  return run::predict(*task_, workspace_, split, batch_size,
                      engine::default_piece_tokens(*open_.model),
                      [&](engine::Graph& g, const engine::TokenBatch& batch) {
                        return task_->outputs(g, *open_.model, batch);
                      });
}

data::OwnData columns_for(const Predictor& predictor, const data::ColumnNames& given) {
  data::OwnData columns;
  const data::ColumnNames& known = predictor.columns();
  columns.text = given.text.empty() ? known.text : given.text;
  columns.text_b = given.text_b.empty() ? (given.text.empty() ? known.text_b : "") : given.text_b;
  columns.label = given.label.empty() ? known.label : given.label;
  return columns;
}

}  // namespace run
