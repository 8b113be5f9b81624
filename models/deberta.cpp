// DeBERTa-v2 and v3 (He et al. 2021, 2023): post-LN layers as BERT's, whose attention knows the
// distance of two tokens (engine/ops/disentangled_attention.h).
//
//   x = LN(words [+ positions] [+ types]);  R = [LN](table of distances)
//   q, k, v = x W^T + b;  x = LN(x + drop(attention(q, k, v, R Wk'^T + b, R Wq'^T + b) Wo^T + bo))
//   x = LN(x + drop(act(x W1^T + b1) W2^T + b2))
//
// With share_att_key the distances have the tokens' projections. Only the rows of R that the
// longest sequence reaches are computed. There is no place for a prefix: its keys would be at no
// distance.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <memory>

#include "engine/base/counters.h"
#include "engine/ops/disentangled_attention.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "models/blocks.h"
#include "models/config_reader.h"
#include "models/registry.h"

namespace models {
namespace {

using engine::Embedding;
using engine::Graph;
using engine::Json;
using engine::LayerNorm;
using engine::Linear;
using engine::Role;
using engine::Tensor;

struct DebertaConfig {
  int layers, heads;
  int64_t hidden, ffn, embedding, vocab, positions, types;
  engine::Activation act, pooler_act;
  double eps, hidden_dropout, attention_dropout, pooler_dropout, classifier_dropout, init_std;
  bool relative, absolute, share_keys, norm_distances, legacy, tied;
  bool to_position = false, from_position = false;  // c2p, p2c
  engine::DistanceRows distances;

  explicit DebertaConfig(ConfigReader& in);
  bool keys_of_distances() const { return relative && to_position; }
  bool queries_of_distances() const { return relative && from_position; }
  // The scores are scaled by the terms that the config names, computed or not.
  double scale() const {
    const auto width = static_cast<double>(hidden / heads);
    return 1 / std::sqrt(width * (1 + to_position + from_position));
  }
};

// "c2p|p2c", or a list.
std::vector<std::string> words_of(ConfigReader& in, const char* key) {
  const Json value = in.raw(key);
  std::vector<std::string> words;
  if (value.is_array()) {
    for (const Json& word : value)
      words.push_back(engine::json_as<std::string>(word, in.where() + key));
    return words;
  }
  if (value.is_null()) return words;
  std::string word;
  for (const char c : engine::json_as<std::string>(value, in.where() + key) + "|") {
    if (c == '|') {
      words.push_back(word);
      word.clear();
    } else if (c != ' ') {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return words;
}

DebertaConfig::DebertaConfig(ConfigReader& in)
    : layers(static_cast<int>(in.size("num_hidden_layers"))),
      heads(static_cast<int>(in.size("num_attention_heads"))),
      hidden(in.size("hidden_size")),
      ffn(in.size("intermediate_size")),
      embedding(in.size_or("embedding_size", hidden)),
      vocab(in.size("vocab_size")),
      positions(in.size_or("max_position_embeddings", 512)),
      types(in.get_or<int64_t>("type_vocab_size", 0)),
      act(in.activation("hidden_act", "gelu")),
      pooler_act(in.activation("pooler_hidden_act", "gelu")),
      eps(in.epsilon("layer_norm_eps", 1e-7)),
      hidden_dropout(in.dropout("hidden_dropout_prob", 0.1)),
      attention_dropout(in.dropout("attention_probs_dropout_prob", 0.1)),
      pooler_dropout(in.dropout("pooler_dropout", 0)),
      classifier_dropout(in.dropout("cls_dropout", hidden_dropout)),
      init_std(in.get_or<double>("initializer_range", 0.02)),
      relative(in.get_or<bool>("relative_attention", false)),
      absolute(in.get_or<bool>("position_biased_input", true)),
      share_keys(in.get_or<bool>("share_att_key", false)),
      legacy(in.get_or<bool>("legacy", true)),
      tied(in.get_or<bool>("tie_word_embeddings", true)) {
  engine::check(hidden % heads == 0, in.where(), "hidden_size ", hidden,
                " does not divide into num_attention_heads ", heads);
  engine::check(types >= 0, in.where(), "type_vocab_size is ", types);
  for (const std::string& word : words_of(in, "pos_att_type")) {
    engine::check(word == "c2p" || word == "p2c", in.where(), "pos_att_type has '", word, "'",
                  engine::hint("c2p and p2c can be computed"));
    (word == "c2p" ? to_position : from_position) = true;
  }
  const auto norms = words_of(in, "norm_rel_ebd");
  norm_distances = std::find(norms.begin(), norms.end(), "layer_norm") != norms.end();
  for (const std::string& word : norms)
    engine::check(word == "layer_norm" || word == "none" || word.empty(), in.where(),
                  "norm_rel_ebd has '", word, "'", engine::hint("layer_norm and none are known"));
  const auto buckets = in.get_or<int64_t>("position_buckets", -1),
             longest = in.get_or<int64_t>("max_relative_positions", -1);
  distances.longest = longest < 1 ? positions : longest;
  distances.buckets = std::max<int64_t>(buckets, 0);
  distances.span = buckets > 0 ? buckets : distances.longest;
  engine::check(distances.buckets != 1, in.where(), "position_buckets is 1");
  engine::check(in.get_or<int64_t>("conv_kernel_size", 0) == 0, in.where(), "conv_kernel_size is ",
                in.raw("conv_kernel_size").dump(),
                ": a convolution beside the first layer "
                "(DeBERTa-v2 xlarge and xxlarge) cannot be computed here",
                engine::hint("v3 models have none"));
  in.only("attention_head_size", hidden / heads);
  in.only("pooler_hidden_size", hidden);
  in.harmless({"conv_act", "conv_groups"});
}

// The distances of a step.
struct Distances {
  Tensor rows;  // (reached rows, hidden); empty without relative_attention
  int64_t first = 0;
};

struct DebertaLayer : engine::Module {
  DebertaLayer(engine::Module& parent, std::string name, const DebertaConfig& config, int number)
      : Module(parent, std::move(name)), c(config), layer(number) {
    const auto projection = [&](const char* of) {
      return std::make_unique<Linear>(*this, of, c.hidden, c.hidden, Role::other, layer);
    };
    if (c.share_keys) return;
    if (c.keys_of_distances()) distance_key = projection("attention.self.pos_key_proj");
    if (c.queries_of_distances()) distance_query = projection("attention.self.pos_query_proj");
  }

  const DebertaConfig& c;
  const int layer;
  Linear query{*this, "attention.self.query_proj", c.hidden, c.hidden, Role::query, layer};
  Linear key{*this, "attention.self.key_proj", c.hidden, c.hidden, Role::key, layer};
  Linear value{*this, "attention.self.value_proj", c.hidden, c.hidden, Role::value, layer};
  std::unique_ptr<Linear> distance_key, distance_query;  // none with share_att_key
  Linear output{*this, "attention.output.dense", c.hidden, c.hidden, Role::attention_output, layer};
  LayerNorm attention_norm{*this, "attention.output.LayerNorm", c.hidden,
                           c.eps, Role::attention_norm,         layer};
  engine::HookPoint after_attention{*this, "attention.output", c.hidden,
                                    engine::Point::after_attention, layer};
  Linear ffn_in{*this, "intermediate.dense", c.hidden, c.ffn, Role::ffn_in, layer};
  Linear ffn_out{*this, "output.dense", c.ffn, c.hidden, Role::ffn_out, layer};
  LayerNorm ffn_norm{*this, "output.LayerNorm", c.hidden, c.eps, Role::ffn_norm, layer};
  engine::HookPoint after_ffn{*this, "output", c.hidden, engine::Point::after_ffn, layer};

  Tensor operator()(Graph& g, const Tensor& x, const Rows& rows, const Distances& distances) {
    const Tensor at = rows.select(g, x);
    Tensor h;
    {
      const Tensor q = query(g, at), k = key(g, x), v = value(g, x);
      Tensor key_of, query_of;
      if (distances.rows) {
        const Tensor r = engine::dropout(g, distances.rows, c.hidden_dropout);
        if (c.to_position) key_of = c.share_keys ? key(g, r) : (*distance_key)(g, r);
        if (c.from_position) query_of = c.share_keys ? query(g, r) : (*distance_query)(g, r);
      }
      h = output(g, engine::disentangled_attention(g, q, k, v, key_of, query_of, rows.segments,
                                                   {.heads = c.heads,
                                                    .dropout = c.attention_dropout,
                                                    .scale = c.scale(),
                                                    .distances = c.distances,
                                                    .first_row = distances.first},
                                                   rows.only ? &rows.only->segments : nullptr,
                                                   rows.only ? &rows.only->rows : nullptr));
    }
    const Tensor middle =
        add_norm(g, after_attention, std::move(h), at, attention_norm, c.hidden_dropout);
    h = ffn_out(g, ffn_in(g, middle, c.act));
    return add_norm(g, after_ffn, std::move(h), middle, ffn_norm, c.hidden_dropout);
  }
};

// The table of distances: read whole, so no place for a strategy.
struct DistanceTable : engine::Module {
  DistanceTable(engine::Module& parent, const DebertaConfig& c)
      : Module(parent, "encoder.rel_embeddings") {
    declare(weight, "weight", {2 * c.distances.span, c.hidden}, Role::embedding, -1);
  }
  engine::Parameter weight;
};

class DebertaModel : public Model {
 public:
  DebertaModel(DebertaConfig given, Json json)
      : c_(given),
        json_(std::move(json)),
        base_(*this, "deberta"),
        words_(base_, "embeddings.word_embeddings", c_.vocab, c_.embedding) {
    facts_ = {.model_type = "deberta-v2",
              .layers = c_.layers,
              .hidden = c_.hidden,
              .heads = c_.heads,
              .kv_heads = c_.heads,
              .ffn = c_.ffn,
              .embedding = c_.embedding,
              .vocab = c_.vocab,
              .types = c_.types,
              .longest = c_.positions,
              .init_std = c_.init_std};
    const auto table = [&](const char* name, int64_t entries) {
      return std::make_unique<Embedding>(base_, name, entries, c_.embedding);
    };
    if (c_.absolute) positions_ = table("embeddings.position_embeddings", c_.positions);
    if (c_.types > 0) types_ = table("embeddings.token_type_embeddings", c_.types);
    if (c_.embedding != c_.hidden)
      projection_ = std::make_unique<Linear>(base_, "embeddings.embed_proj", c_.embedding,
                                             c_.hidden, Role::embedding_projection, -1, false);
    norm_ = std::make_unique<LayerNorm>(base_, "embeddings.LayerNorm", c_.hidden, c_.eps,
                                        Role::embedding_norm, -1);
    if (c_.relative) distances_ = std::make_unique<DistanceTable>(base_, c_);
    if (c_.norm_distances)
      distance_norm_ = std::make_unique<LayerNorm>(base_, "encoder.LayerNorm", c_.hidden, c_.eps,
                                                   Role::embedding_norm, -1);
    for (int i = 0; i < c_.layers; ++i)
      layers_.push_back(
          std::make_unique<DebertaLayer>(base_, "encoder.layer." + std::to_string(i), c_, i));
    engine::set_init_std(*this, c_.init_std);
  }

  const Facts& facts() const override { return facts_; }
  Embedding& words() override { return words_; }
  Json to_json() const override { return json_; }

  HeadNames names(HeadKind kind) const override {
    switch (kind) {
      case HeadKind::classification:
        return {.architecture = "DebertaV2ForSequenceClassification",
                .dense = "pooler.dense",
                .dense_role = Role::pooler,
                .act = c_.pooler_act,
                .first_dropout = c_.pooler_dropout,
                .out = "classifier",
                .dropout = c_.classifier_dropout};
      case HeadKind::token_classification:
        return {.architecture = "DebertaV2ForTokenClassification",
                .out = "classifier",
                .dropout = c_.hidden_dropout};
      case HeadKind::masked_lm: {
        const std::string at = c_.legacy ? "cls.predictions." : "lm_predictions.lm_head.";
        return {.architecture = "DebertaV2ForMaskedLM",
                .dense = at + (c_.legacy ? "transform.dense" : "dense"),
                .dense_role = Role::lm_head,
                .act = c_.act,
                .width = c_.legacy ? c_.embedding : c_.hidden,
                .norm = at + (c_.legacy ? "transform.LayerNorm" : "LayerNorm"),
                .norm_eps = c_.eps,
                .out = at + "decoder",
                .tied = c_.tied || !c_.legacy,  // the newer head has no matrix of its own
                .tied_bias = at + "bias"};
      }
      default:
        no_head(kind);
    }
  }

 protected:
  Tensor forward(Graph& g, const engine::Batch& batch, const Ask& ask) override {
    engine::counters().tokens += batch.tokens();
    Tensor x = embed(g, batch);
    const Distances distances = reached(g, batch.segments.longest());
    for (const auto& layer : layers_)
      x = (*layer)(g, x, {batch.segments, layer == layers_.back() ? ask.rows : nullptr}, distances);
    return x;
  }

 private:
  Tensor embed(Graph& g, const engine::Batch& batch) {
    const int64_t n = batch.tokens();
    const auto places = position_ids(g, batch.segments, facts_.longest);
    const int32_t *ids = batch.ids.data(), *types = batch.types.data();
    Tensor x;
    if (positions_ && types_)
      x = engine::look_up(g, {{words_, ids}, {*positions_, places.data()}, {*types_, types}}, n);
    else if (positions_)
      x = engine::look_up(g, {{words_, ids}, {*positions_, places.data()}}, n);
    else if (types_)
      x = engine::look_up(g, {{words_, ids}, {*types_, types}}, n);
    else
      x = engine::look_up(g, {{words_, ids}}, n);
    if (projection_) x = (*projection_)(g, x);
    return engine::dropout(g, (*norm_)(g, x), c_.hidden_dropout);
  }

  Distances reached(Graph& g, int64_t longest) {
    if (!distances_ || (!c_.to_position && !c_.from_position)) return {};
    const int32_t first = c_.distances.row(1 - longest), last = c_.distances.row(longest - 1);
    std::vector<int32_t> rows;
    for (int32_t r = first; r <= last; ++r) rows.push_back(r);
    Tensor x = engine::select_rows(g, g.use(distances_->weight), rows);
    if (distance_norm_) x = (*distance_norm_)(g, x);
    return {x, first};
  }

  DebertaConfig c_;
  Json json_;
  Facts facts_;
  engine::Module base_;
  Embedding words_;
  std::unique_ptr<Embedding> positions_, types_;
  std::unique_ptr<Linear> projection_;
  std::unique_ptr<LayerNorm> norm_;
  std::unique_ptr<DistanceTable> distances_;
  std::unique_ptr<LayerNorm> distance_norm_;
  std::vector<std::unique_ptr<DebertaLayer>> layers_;
};

}  // namespace

Family deberta_family() {
  return {.types = {"deberta-v2"},
          .make = read_model<DebertaModel, DebertaConfig>,
          .random = [](const RandomSpec& s) -> Json {
            Json json = usual_sizes(s);
            json.update({{"hidden_act", "gelu"},
                         {"hidden_dropout_prob", s.dropout},
                         {"attention_probs_dropout_prob", s.dropout},
                         {"pooler_dropout", 0.0},
                         {"cls_dropout", s.dropout},
                         {"relative_attention", true},
                         {"position_biased_input", false},
                         {"position_buckets", 256},
                         {"norm_rel_ebd", "layer_norm"},
                         {"share_att_key", true},
                         {"pos_att_type", "p2c|c2p"},
                         {"layer_norm_eps", 1e-7},
                         {"type_vocab_size", 0}});
            return json;
          },
          .dropouts = {"hidden_dropout_prob", "attention_probs_dropout_prob", "pooler_dropout",
                       "cls_dropout"}};
}

}  // namespace models
