#include "run/attention.h"

#include <algorithm>
#include <cmath>

#include "run/language_model.h"
#include "run/predictor.h"
#include "run/texts.h"

namespace run {

using engine::check;
using engine::hint;
using engine::Json;

namespace {

// Adapters are opened as predictions open them; a strategy without an adapter at its start.
OpenModel open_for(const AttentionRequest& request, Located found) {
  const bool language = is_language_model(found);
  if (!found.adapter) {
    models::ModelConfig& config = found.source.config;
    if (language) config.head = models::HeadKind::language_model;
    return open_model(std::move(found.source),
                      request.strategy.empty() ? "frozen" : request.strategy,
                      {.seed = found.seed, .tokenizer = found.tokenizer.get()});
  }
  check(request.strategy.empty(), "attention", "both --adapter and --strategy are given",
        hint("an adapter says its own strategy"));
  PredictRequest predict;
  static_cast<ModelRequest&>(predict) = request;
  if (language) {
    LanguageModel lm(std::move(found), false);
    return std::move(static_cast<OpenModel&>(lm));
  }
  return std::move(Predictor(std::move(found), predict).model());
}

}  // namespace

std::vector<double> Attention::mean(int64_t layer) const {
  const engine::AttentionWeights::Op& op = weights.ops[static_cast<size_t>(layer)];
  std::vector<double> sum(queries.size() * keys.size());
  for (const engine::AttentionWeights::Head& head : op.all)
    for (size_t i = 0; i < sum.size(); ++i)
      sum[i] += static_cast<double>(head.values[i]) / static_cast<double>(op.heads);
  return sum;
}

Attention attention_of(const AttentionRequest& request) {
  Located found = locate(request, "attention");
  Attention out;
  const data::Encoding e =
      request.pair ? found.tokenizer->encode_pair(request.text, request.text_b, request.max_length)
                   : found.tokenizer->encode(request.text, request.max_length);
  check(!e.ids.empty(), "attention", "the text is empty");
  const std::vector<std::string> pieces = found.tokenizer->pieces(e.ids);
  out.random = !found.source.has_weights();
  OpenModel open = open_for(request, std::move(found));
  const int64_t longest = longest_text(open);
  check(static_cast<int64_t>(e.ids.size()) <= longest, "attention", "the text has ", e.ids.size(),
        " tokens, and the model has ", longest, " positions for a text",
        hint("--max-length ", longest, " cuts it"));
  out.model_type = open.source.config.facts.model_type;
  out.causal = open.source.config.facts.causal;
  out.strategy = open.strategy->spec();

  engine::TokenBatch batch;
  batch.ids = e.ids;
  batch.types = e.types;
  batch.segments.add(static_cast<int32_t>(e.ids.size()));
  engine::Workspace workspace;
  {
    engine::GraphOptions options;
    options.record = false;
    options.attention = &out.weights;
    engine::Graph g(workspace, options);
    open.model->encode(g, batch);
  }
  check(!out.weights.ops.empty(), "attention", "model_type '", out.model_type,
        "' has no attention to look at");
  const engine::AttentionWeights::Op& first = out.weights.ops.front();
  out.prefix = first.prefix;
  const int64_t in_front = first.of(0, 0).queries - static_cast<int64_t>(pieces.size());
  for (int64_t i = 0; i < in_front; ++i) out.queries.push_back(engine::concat("prompt ", i + 1));
  out.queries.insert(out.queries.end(), pieces.begin(), pieces.end());
  for (int64_t i = 0; i < out.prefix; ++i) out.keys.push_back(engine::concat("prefix ", i + 1));
  out.keys.insert(out.keys.end(), out.queries.begin(), out.queries.end());
  // An infix stands in front of the last token (models/infix.h).
  const int64_t inside = first.of(0, 0).keys - static_cast<int64_t>(out.keys.size());
  std::vector<std::string> infix;
  for (int64_t i = 0; i < inside; ++i) infix.push_back(engine::concat("infix ", i + 1));
  out.keys.insert(out.keys.end() - 1, infix.begin(), infix.end());
  return out;
}

Json attention_json(const Attention& a) {
  Json layers = Json::array();
  for (const engine::AttentionWeights::Op& op : a.weights.ops) {
    Json heads = Json::array();
    for (const engine::AttentionWeights::Head& head : op.all) {
      Json rows = Json::array();
      for (int64_t q = 0; q < head.queries; ++q) {
        Json row = Json::array();
        for (int64_t k = 0; k < head.keys; ++k)
          row.push_back(std::round(static_cast<double>(head.row(q)[k]) * 1e6) / 1e6);
        rows.push_back(std::move(row));
      }
      heads.push_back(std::move(rows));
    }
    layers.push_back(std::move(heads));
  }
  return {{"version", 1},
          {"model_type", a.model_type},
          {"strategy", a.strategy},
          {"causal", a.causal},
          {"random", a.random},
          {"prefix", a.prefix},
          {"queries", a.queries},
          {"keys", a.keys},
          {"layers", std::move(layers)}};
}

}  // namespace run
