#include "run/bert_score.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "run/texts.h"

namespace run {

using engine::check;
using engine::hint;

namespace {

constexpr size_t kTogether = 16;   // hypotheses whose texts are encoded in one go
constexpr int64_t kTokens = 2048;  // of a batch

// bert_score's model2layers, by shape: {model_type, layers, hidden, layer}.
struct UsualLayer {
  const char* type;
  int layers;
  int64_t hidden;
  int layer;
};
constexpr UsualLayer kUsual[] = {
    {"bert", 24, 1024, 18},       {"bert", 12, 768, 9},        {"bert", 12, 512, 10},
    {"bert", 12, 256, 11},        {"bert", 12, 128, 10},       {"bert", 10, 768, 8},
    {"bert", 10, 512, 9},         {"bert", 10, 256, 8},        {"bert", 10, 128, 8},
    {"bert", 8, 768, 7},          {"bert", 8, 512, 6},         {"bert", 8, 256, 7},
    {"bert", 8, 128, 7},          {"bert", 6, 768, 5},         {"bert", 6, 512, 5},
    {"bert", 6, 256, 5},          {"bert", 6, 128, 5},         {"bert", 4, 768, 3},
    {"bert", 4, 512, 3},          {"bert", 4, 256, 3},         {"bert", 4, 128, 3},
    {"bert", 2, 768, 2},          {"bert", 2, 512, 1},         {"bert", 2, 256, 1},
    {"bert", 2, 128, 1},          {"roberta", 24, 1024, 17},   {"roberta", 12, 768, 10},
    {"roberta", 6, 768, 5},       {"distilbert", 6, 768, 5},   {"electra", 24, 1024, 14},
    {"electra", 12, 768, 9},      {"electra", 12, 256, 11},    {"deberta-v2", 24, 1024, 12},
    {"deberta-v2", 12, 768, 9},   {"deberta-v2", 12, 384, 10}, {"deberta-v2", 6, 768, 4},
    {"deberta-v2", 24, 1536, 10},
};

// The model with its first `layer` layers only.
models::ModelConfig first_layers(const models::ModelConfig& whole, int layer) {
  engine::Json json = whole.json;
  for (const char* key : {"num_hidden_layers", "n_layers"})
    if (json.contains(key)) json[key] = layer;
  if (json.contains("layer_types") && json["layer_types"].is_array())
    while (json["layer_types"].size() > static_cast<size_t>(layer))
      json["layer_types"].erase(layer);
  return models::config_from_json(json, whole.where);
}

std::string stripped(const std::string& text) {
  constexpr const char* kSpaces = " \t\n\r\f\v";
  const size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

}  // namespace

int usual_bert_score_layer(const models::Facts& model) {
  for (const UsualLayer& usual : kUsual)
    if (model.model_type == usual.type && model.layers == usual.layers &&
        model.hidden == usual.hidden)
      return usual.layer;
  return (3 * model.layers + 3) / 4;
}

BertScorer::BertScorer(const ModelRequest& request, BertScoreOptions options)
    : options_(std::move(options)) {
  Located found = locate(request, "bertscore");
  models::ModelConfig& config = found.source.config;
  const models::Facts& facts = config.facts;
  check(!facts.causal, "bertscore", "model_type '", facts.model_type,
        "' does not see what follows a token", hint("give an encoder: bert, roberta, deberta-v2"));
  layers_ = facts.layers;
  if (options_.layer == 0) options_.layer = usual_bert_score_layer(facts);
  check(options_.layer >= 1 && options_.layer <= layers_, "bertscore", "there is no layer ",
        options_.layer, hint("this model has layers 1 to ", layers_));
  if (options_.layer < layers_) config = first_layers(config, options_.layer);
  tokenizer_ = std::move(found.tokenizer);
  space_ = config.facts.model_type == "roberta";
  open_ = open_model(std::move(found.source), "frozen", {.seed = found.seed});
  longest_ = static_cast<int>(longest_text(open_));
  if (const int own = tokenizer_->model_max_length()) longest_ = std::min(longest_, own);
}

std::string BertScorer::method() const {
  return engine::concat(open_.source.config.facts.model_type, ", layer ", options_.layer, " of ",
                        layers_, options_.idf ? ", idf" : "");
}

BertScorer::Text BertScorer::read(const std::string& text) const {
  Text out;
  const std::string words = stripped(text);
  if (words.empty()) return out;
  data::Encoding e = tokenizer_->encode(space_ ? " " + words : words, longest_);
  out.ids = std::move(e.ids);
  out.types = std::move(e.types);
  return out;
}

void BertScorer::weigh(Text& text) const {
  const data::SpecialIds& special = tokenizer_->special();
  for (const int32_t id : text.ids) {
    const double weight = options_.idf                             ? idf_[static_cast<size_t>(id)]
                          : id == special.cls || id == special.sep ? 0
                                                                   : 1;
    text.weights.push_back(weight);
    text.weight += weight;
  }
}

void BertScorer::count_documents(const data::metrics::Texts& texts) {
  idf_.assign(static_cast<size_t>(tokenizer_->vocab_size()), 0);
  double documents = 0;
  for (const auto& references : texts.references)
    for (const std::string& reference : references) {
      const Text text = read(reference);
      if (text.ids.empty()) continue;
      ++documents;
      for (const int32_t id : std::set<int32_t>(text.ids.begin(), text.ids.end()))
        ++idf_[static_cast<size_t>(id)];
    }
  for (double& each : idf_) each = std::log((documents + 1) / (each + 1));
}

void BertScorer::encode(const std::vector<Text*>& texts) {
  for (size_t begin = 0; begin < texts.size();) {
    engine::Batch batch;
    size_t end = begin;
    for (; end < texts.size() && (end == begin || batch.tokens() < kTokens); ++end) {
      const Text& text = *texts[end];
      batch.ids.insert(batch.ids.end(), text.ids.begin(), text.ids.end());
      batch.types.insert(batch.types.end(), text.types.begin(), text.types.end());
      batch.segments.add(static_cast<int32_t>(text.ids.size()));
    }
    engine::Graph g(workspace_, {.record = false});
    const engine::Tensor x = open_.model->encode(g, batch);
    for (int s = 0; begin < end; ++s, ++begin) {
      Text& text = *texts[begin];
      text.vectors = x.mat().middleRows(batch.segments.begin(s), batch.segments.length(s));
      text.vectors.rowwise().normalize();
    }
  }
}

namespace {

template <class Best, class Weights>
double weighted_mean(const Best& best, const Weights& weights, double sum) {
  double total = 0;
  for (size_t i = 0; i < weights.size(); ++i)
    total += weights[i] * static_cast<double>(best(static_cast<Eigen::Index>(i)));
  return total / sum;
}

}  // namespace

std::vector<BertScore> BertScorer::score(const data::metrics::Texts& texts) {
  data::metrics::check_texts(texts, "bertscore");
  if (options_.idf) count_documents(texts);
  std::vector<BertScore> scores(texts.size());
  std::vector<bool> seen(texts.size());
  const auto all = static_cast<int64_t>(texts.size());
  for (size_t begin = 0; begin < texts.size(); begin += kTogether) {
    const size_t end = std::min(begin + kTogether, texts.size());
    std::map<std::string, Text> known;  // equal texts are encoded once
    std::vector<Text*> fresh;
    const auto text_of = [&](const std::string& text) -> Text& {
      const auto [it, added] = known.try_emplace(text);
      if (added) {
        it->second = read(text);
        weigh(it->second);
        if (!it->second.ids.empty()) fresh.push_back(&it->second);
      }
      return it->second;
    };
    std::vector<std::pair<size_t, std::pair<const Text*, const Text*>>> pairs;
    for (size_t i = begin; i < end; ++i)
      for (const std::string& reference : texts.references[i])
        pairs.push_back({i, {&text_of(texts.hypotheses[i]), &text_of(reference)}});
    encode(fresh);
    for (const auto& [i, pair] : pairs) {
      const Text &x = *pair.first, &y = *pair.second;
      if (!(x.weight > 0) || !(y.weight > 0)) continue;
      const engine::Matrix like = x.vectors * y.vectors.transpose();
      const double p = weighted_mean(like.rowwise().maxCoeff().eval(), x.weights, x.weight),
                   r = weighted_mean(like.colwise().maxCoeff().eval(), y.weights, y.weight);
      const double f1 = 2 * p * r / (p + r);
      BertScore& best = scores[i];
      best = seen[i] ? BertScore{std::max(best.precision, p), std::max(best.recall, r),
                                 std::max(best.f1, f1)}
                     : BertScore{p, r, f1};
      seen[i] = true;
    }
    if (options_.progress) options_.progress(static_cast<int64_t>(end), all);
  }
  return scores;
}

BertScore mean_bert_score(const std::vector<BertScore>& all, const std::vector<size_t>& chosen) {
  BertScore mean;
  for (const size_t i : chosen) {
    mean.precision += all[i].precision;
    mean.recall += all[i].recall;
    mean.f1 += all[i].f1;
  }
  const double count = std::max<double>(1, static_cast<double>(chosen.size()));
  return {mean.precision / count, mean.recall / count, mean.f1 / count};
}

}  // namespace run
