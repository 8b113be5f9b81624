#include <cmath>
#include <filesystem>
#include <optional>
#include <ostream>

#include "apps/common/format.h"
#include "apps/common/table.h"
#include "apps/inspect/model.h"
#include "data/task.h"
#include "peft/adapter_file.h"
#include "run/session.h"

namespace apps {

namespace fs = std::filesystem;
using engine::Json;

namespace {

// A run folder, or the adapter in it: where the adapter lies, and the record that says what it was
// trained on.
struct AdapterPlace {
  fs::path folder;
  Json record;  // null without a run.json
};

AdapterPlace find_adapter(const std::string& given) {
  std::error_code ignored;
  AdapterPlace place{given, {}};
  if (!fs::exists(place.folder / "adapter_config.json", ignored) &&
      fs::exists(place.folder / "adapter", ignored))
    place.folder /= "adapter";
  for (const fs::path& folder :
       {fs::path(given), fs::absolute(given, ignored).lexically_normal().parent_path()})
    if (fs::exists(folder / "run.json", ignored)) {
      place.record = engine::json_file(folder / "run.json");
      break;
    }
  return place;
}

// The width of the head in the file, by the last bias in it that belongs to a head.
std::optional<int> outputs_of(const peft::AdapterFile& file) {
  for (const char* name : {"classifier.bias", "classifier.out_proj.bias"})
    if (const auto it = file.tensors.find(name);
        it != file.tensors.end() && it->second.dims.size() == 1)
      return static_cast<int>(it->second.dims[0]);
  return std::nullopt;
}

std::vector<double> softmax(const std::vector<double>& x) {
  double most = -INFINITY, sum = 0;
  for (const double v : x) most = std::max(most, v);
  std::vector<double> p;
  for (const double v : x) sum += (p.emplace_back(std::exp(v - most)));
  for (double& v : p) v /= sum;
  return p;
}

struct Classifier {
  InspectOptions options;
  std::unique_ptr<data::Tokenizer> tokenizer;
  models::ModelSource source;
  std::unique_ptr<models::SequenceClassifier> model;
  std::unique_ptr<engine::ParameterStore> store;
  std::unique_ptr<peft::Strategy> strategy;
};

Classifier open_classifier(const InspectOptions& given, std::ostream& notes) {
  Classifier c;
  c.options = given;
  uint64_t seed = given.seed;
  std::optional<peft::AdapterFile> adapter;
  std::optional<data::TaskInfo> task;
  if (!given.adapter.empty()) {
    const AdapterPlace place = find_adapter(given.adapter);
    adapter = peft::load_adapter(place.folder);
    const std::string where = "run.json";
    if (engine::has(place.record, "task_info"))
      task = data::TaskInfo::from_json(place.record["task_info"]);
    if (engine::has(place.record, "settings")) {
      const Json& settings = place.record["settings"];
      if (c.options.model.empty())
        c.options.model = engine::get_or<std::string>(settings, "model", "", where);
      if (c.options.tokenizer.empty())
        c.options.tokenizer = engine::get_or<std::string>(settings, "tokenizer", "", where);
    }
    if (engine::has(place.record, "seed"))
      seed = engine::get<uint64_t>(place.record, "seed", where);
    if (c.options.model.empty()) c.options.model = adapter->base_model;
  }
  c.tokenizer = open_tokenizer(c.options);
  c.source = models::open_model(c.options.model, c.tokenizer->vocab_size());
  models::ModelConfig& config = c.source.config;
  engine::check(c.tokenizer->vocab_size() <= config.facts.vocab, "model", "the tokenizer has ",
                c.tokenizer->vocab_size(), " entries, the model's table ", config.facts.vocab,
                engine::hint("they do not belong together"));
  if (task)
    models::set_labels(config, task->outputs(), task->labels);
  else if (adapter)
    if (const auto n = outputs_of(*adapter); n && *n != config.num_labels)
      models::set_labels(config, *n, {});
  c.model = std::make_unique<models::SequenceClassifier>(config);
  c.strategy = peft::make_strategy(adapter ? adapter->spec : "frozen");
  engine::Sites sites = c.model->sites();
  peft::apply(*c.strategy, sites, *c.model);
  c.store = std::make_unique<engine::ParameterStore>(*c.model);
  c.store->allocate();
  const engine::LoadReport load =
      models::load_weights(c.source, *c.store, seed, adapter.has_value());
  if (adapter)
    peft::apply_adapter(*adapter, *c.store, run::model_identity(c.source, seed),
                        {.allow_missing_head = true});
  std::string fresh;
  int count = 0;
  for (const engine::Parameter* p : c.store->all())
    if (!p->loaded) {
      ++count;
      if (p->role == engine::Role::head) fresh += (fresh.empty() ? "" : ", ") + p->name;
    }
  if (!c.source.has_weights() && !adapter)
    notes << "note: random weights, so the logits say nothing\n";
  else if (!fresh.empty())
    notes << "note: the head was not in the files and is random (" << fresh
          << "), so the logits say nothing\n";
  return c;
}

std::vector<std::vector<double>> logits_of(Classifier& c,
                                           const std::vector<data::Encoding>& encodings) {
  constexpr size_t kBatch = 32;
  std::vector<std::vector<double>> out;
  engine::Workspace workspace;
  for (size_t begin = 0; begin < encodings.size(); begin += kBatch) {
    engine::TokenBatch batch;
    for (size_t i = begin; i < std::min(encodings.size(), begin + kBatch); ++i) {
      const data::Encoding& e = encodings[i];
      batch.ids.insert(batch.ids.end(), e.ids.begin(), e.ids.end());
      batch.types.insert(batch.types.end(), e.types.begin(), e.types.end());
      batch.segments.add(static_cast<int32_t>(e.size()));
    }
    engine::GraphOptions options;
    options.record = false;
    engine::Graph g(workspace, options);
    const engine::Tensor logits = c.model->logits(g, batch);
    for (int64_t r = 0; r < logits.rows(); ++r)
      out.emplace_back(logits.row(r), logits.row(r) + logits.cols());
  }
  return out;
}

}  // namespace

void inspect_logits(const InspectOptions& given, std::ostream& out, std::ostream& notes) {
  Classifier c = open_classifier(given, notes);
  const models::ModelConfig& config = c.model->config();
  const int longest = static_cast<int>(config.longest_sequence());
  engine::check(c.options.max_length <= longest, "logits", "--max-length ", c.options.max_length,
                " is more than the ", longest, " positions of this model");
  const std::vector<TextInput> texts = text_inputs(c.options);
  std::vector<data::Encoding> encodings;
  for (const TextInput& text : texts) {
    encodings.push_back(
        encode(*c.tokenizer, text, c.options.max_length > 0 ? c.options.max_length : longest));
    if (encodings.back().removed > 0)
      notes << "note: " << encodings.back().removed
            << " tokens were cut from: " << cut_to_width(text.shown(), 50) << '\n';
  }
  const auto logits = logits_of(c, encodings);
  const bool regression = config.num_labels == 1;
  std::vector<std::string> labels = config.labels;
  for (size_t i = labels.size(); i < static_cast<size_t>(config.num_labels); ++i)
    labels.push_back("LABEL_" + std::to_string(i));

  std::vector<Column> columns = {{"text", Align::left, Fit::cut}};
  if (!regression) columns.insert(columns.end(), {{"label"}, {"probability", Align::right}});
  for (const std::string& label : regression ? std::vector<std::string>{"value"} : labels)
    columns.push_back({label, Align::right, Fit::fixed, regression ? 0 : 1});
  Table table(columns);
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::vector<double> p = softmax(logits[i]);
    const size_t best = static_cast<size_t>(std::max_element(p.begin(), p.end()) - p.begin());
    if (given.json) {
      Json json = {{"text", texts[i].a}};
      if (texts[i].pair) json["pair"] = texts[i].b;
      if (regression) {
        json["value"] = logits[i][0];
      } else {
        json["label"] = labels[best];
        json["logits"] = logits[i];
        json["probabilities"] = p;
        json["labels"] = labels;
      }
      out << engine::json_text(json) << '\n';
      continue;
    }
    std::vector<std::string> cells = {cut_to_width(texts[i].shown(), 1 << 20)};
    if (!regression) cells.insert(cells.end(), {labels[best], format_number(p[best], 4)});
    for (const double v : logits[i]) cells.push_back(format_number(v, 4));
    table.add(std::move(cells));
  }
  if (!given.json) out << table.text(given.width);
}

}  // namespace apps
