#include "models/bert.h"

#include "engine/base/counters.h"

namespace models {

using engine::Activation;
using engine::Graph;
using engine::Json;
using engine::Role;
using engine::Tensor;

BertConfig::BertConfig(ConfigReader& in)
    : where(in.where()),
      model_type(in.get<std::string>("model_type")),
      layers(static_cast<int>(in.size("num_hidden_layers"))),
      heads(static_cast<int>(in.size("num_attention_heads"))),
      hidden(in.size("hidden_size")),
      ffn(in.size("intermediate_size")),
      embedding(hidden),
      vocab(in.size("vocab_size")),
      positions(in.size("max_position_embeddings")),
      types(in.get_or<int64_t>("type_vocab_size", 2)),
      act(in.activation("hidden_act", "gelu")),
      eps(in.epsilon("layer_norm_eps", 1e-12)),
      hidden_dropout(in.dropout("hidden_dropout_prob", 0.1)),
      attention_dropout(in.dropout("attention_probs_dropout_prob", 0.1)),
      classifier_dropout(in.dropout("classifier_dropout", hidden_dropout)),
      init_std(in.get_or<double>("initializer_range", 0.02)),
      tied(in.get_or<bool>("tie_word_embeddings", true)) {
  in.only("position_embedding_type", "absolute");
  // Of BERT's multilingual and Chinese checkpoints; no part of the model reads them.
  in.harmless({"directionality", "pooler_fc_size", "pooler_num_attention_heads",
               "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type"});
  engine::check(types >= 0 && types < (int64_t{1} << 31), in.where(), "type_vocab_size is ", types,
                "; it must be 0 (no token types) or more");
  engine::check(hidden % heads == 0, in.where(), "hidden_size ", hidden,
                " does not divide into num_attention_heads ", heads);
}

Json bert_config_json(const RandomSpec& s) {
  Json json = usual_sizes(s);
  json.update({{"hidden_act", "gelu"},
               {"hidden_dropout_prob", s.dropout},
               {"attention_probs_dropout_prob", s.dropout},
               {"classifier_dropout", s.dropout},
               {"type_vocab_size", 2},
               {"layer_norm_eps", 1e-12}});
  return json;
}

const std::vector<std::string> kBertDropouts = {
    "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"};

Tensor BertLayer::operator()(Graph& g, const Tensor& x, const Rows& rows) {
  const engine::KeyValue prefix = front(g);
  const Tensor at = rows.select(g, x);
  Tensor h;
  {
    const Tensor q = query(g, at), k = key(g, x), v = value(g, x);
    h = output(g, attend(g, q, k, v, rows, {c.heads, false, c.attention_dropout}, prefix));
  }
  const Tensor middle =
      add_norm(g, after_attention, std::move(h), at, attention_norm, c.hidden_dropout);
  h = ffn_out(g, ffn_in(g, middle, c.act));
  return add_norm(g, after_ffn, std::move(h), middle, ffn_norm, c.hidden_dropout);
}

BertModel::BertModel(BertConfig given, Json json)
    : config(std::move(given)),
      json_(std::move(json)),
      base_(*this, config.base),
      embeddings(base_, "embeddings",
                 {config.vocab, config.positions, config.types, config.embedding,
                  config.position_offset, config.eps, config.hidden_dropout}) {
  const BertConfig& c = config;
  facts_ = {.model_type = c.model_type,
            .layers = c.layers,
            .hidden = c.hidden,
            .heads = c.heads,
            .kv_heads = c.heads,
            .ffn = c.ffn,
            .embedding = c.embedding,
            .vocab = c.vocab,
            .types = c.types,
            .longest = embeddings.longest(),
            .init_std = c.init_std};
  engine::check(facts_.longest > 0, c.where, "longest sequence is ", facts_.longest,
                "; it must be positive",
                engine::hint("max_position_embeddings is ", c.positions, ", and the first ",
                             c.position_offset, " are not used"));
  if (c.embedding != c.hidden)
    projection = std::make_unique<engine::Linear>(base_, "embeddings_project", c.embedding,
                                                  c.hidden, Role::embedding_projection, -1);
  for (int i = 0; i < c.layers; ++i)
    layers.push_back(
        std::make_unique<BertLayer>(base_, "encoder.layer." + std::to_string(i), config, i));
  engine::set_init_std(*this, c.init_std);
}

Tensor BertModel::forward(Graph& g, const engine::Batch& batch, const Ask& ask) {
  engine::counters().tokens += batch.tokens();
  Tensor x = embeddings(g, batch);
  if (projection) x = (*projection)(g, x);
  for (const auto& layer : layers)
    x = (*layer)(g, x, {batch.segments, layer == layers.back() ? ask.rows : nullptr});
  return x;
}

HeadNames BertModel::names(HeadKind kind) const {
  switch (kind) {
    case HeadKind::classification:
      return {.architecture = "BertForSequenceClassification",
              .dense = "bert.pooler.dense",
              .dense_role = Role::pooler,
              .act = Activation::tanh,
              .drop_first = false,
              .out = "classifier",
              .dropout = config.classifier_dropout};
    case HeadKind::token_classification:
      return {.architecture = "BertForTokenClassification",
              .out = "classifier",
              .dropout = config.classifier_dropout};
    case HeadKind::masked_lm:
      return {.architecture = "BertForMaskedLM",
              .dense = "cls.predictions.transform.dense",
              .dense_role = Role::lm_head,
              .act = config.act,
              .norm = "cls.predictions.transform.LayerNorm",
              .norm_eps = config.eps,
              .out = "cls.predictions.decoder",
              .tied = config.tied,
              .tied_bias = "cls.predictions.bias"};
    default:
      no_head(kind);
  }
}

Family bert_family() {
  return {.types = {"bert"},
          .make = [](const Json& json, const std::string& where) -> std::unique_ptr<Model> {
            ConfigReader in(json, where);
            BertConfig config(in);
            config.base = "bert";
            return std::make_unique<BertModel>(std::move(config), in.finish());
          },
          .random = bert_config_json,
          .dropouts = kBertDropouts};
}

}  // namespace models
