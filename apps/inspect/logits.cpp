#include <cmath>
#include <ostream>

#include "apps/common/format.h"
#include "apps/common/table.h"
#include "apps/inspect/language.h"
#include "apps/inspect/model.h"
#include "run/predictor.h"

namespace apps {

using engine::Json;

namespace {

std::vector<double> softmax(const std::vector<double>& x) {
  double most = -INFINITY, sum = 0;
  for (const double v : x) most = std::max(most, v);
  std::vector<double> p;
  for (const double v : x) sum += (p.emplace_back(std::exp(v - most)));
  for (double& v : p) v /= sum;
  return p;
}

run::PredictRequest request_of(const InspectOptions& given) {
  run::PredictRequest request{model_request(given)};
  request.max_length = given.max_length;
  return request;
}

std::vector<std::vector<double>> logits_of(models::SequenceClassifier& model,
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
    const engine::Tensor logits = model.logits(g, batch);
    for (int64_t r = 0; r < logits.rows(); ++r)
      out.emplace_back(logits.row(r), logits.row(r) + logits.cols());
  }
  return out;
}

}  // namespace

void inspect_logits(const InspectOptions& given, std::ostream& out, std::ostream& notes) {
  const run::PredictRequest request = request_of(given);
  run::Located found = run::locate(request, "logits");
  if (run::is_language_model(found)) {
    inspect_language(given, std::move(found), out);
    return;
  }
  run::Predictor c(std::move(found), request);
  if (!c.fresh().empty()) {
    std::string list;
    for (const std::string& name : c.fresh()) list += (list.empty() ? "" : ", ") + name;
    if (!c.model().source.has_weights() && given.adapter.empty())
      notes << "note: random weights, so the logits say nothing\n";
    else
      notes << "note: the head was not in the files and is random (" << list
            << "), so the logits say nothing\n";
  }
  const models::ModelConfig& config = c.model().model->config();
  const std::vector<TextInput> texts = text_inputs(given);
  std::vector<data::Encoding> encodings;
  for (const TextInput& text : texts) {
    encodings.push_back(encode(c.tokenizer(), text, c.max_length()));
    if (encodings.back().removed > 0)
      notes << "note: " << encodings.back().removed
            << " tokens were cut from: " << cut_to_width(text.shown(), 50) << '\n';
  }
  const auto logits = logits_of(*c.model().model, encodings);
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
