// BART (Lewis et al. 2019) and mBART (Liu et al. 2020): an encoder that reads both ways, and a
// decoder whose layers also attend to it.
//
//   bart, post-LN:   x = LN(x + attention(x));  [x = LN(x + attention(x, encoder))]
//                    x = LN(x + act(x W1^T) W2^T)
//   mbart, pre-LN:   x += attention(LN(x));  ...  and a last norm behind each stack
//
// Each stack begins with LN(c words + positions), c = sqrt(d_model) with scale_embedding, else 1;
// the table of words is one for both stacks and the head. Tables of positions begin with two rows
// that no token has.
#include <cmath>
#include <memory>

#include "engine/base/counters.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "models/causal.h"
#include "models/config_reader.h"
#include "models/cross.h"
#include "models/registry.h"

namespace models {
namespace {

using engine::AttentionKind;
using engine::Graph;
using engine::Json;
using engine::Linear;
using engine::Place;
using engine::Role;
using engine::Stack;
using engine::Tensor;

constexpr int64_t kFirstPosition = 2;

struct StackConfig {
  Stack stack;
  int layers, heads;
  int64_t ffn;
  bool decodes() const { return stack == Stack::decoder; }
};

struct BartConfig {
  std::string model_type;
  StackConfig encoder, decoder;
  int64_t hidden, vocab, positions;
  engine::Activation act;
  double dropout, attention_dropout, activation_dropout, init_std;
  bool pre_norm, scaled, tied;
  double head_dropout;
  int32_t start;

  explicit BartConfig(ConfigReader& in)
      : model_type(in.get<std::string>("model_type")),
        encoder(read_stack(in, Stack::encoder, "encoder")),
        decoder(read_stack(in, Stack::decoder, "decoder")),
        hidden(in.size_or("d_model", 1024)),
        vocab(in.size("vocab_size")),
        positions(in.size_or("max_position_embeddings", 1024)),
        act(in.activation("activation_function", "gelu")),
        dropout(in.dropout("dropout", 0.1)),
        attention_dropout(in.dropout("attention_dropout", 0)),
        activation_dropout(in.dropout("activation_dropout", 0)),
        init_std(in.get_or<double>("init_std", 0.02)),
        pre_norm(model_type == "mbart"),
        scaled(in.get_or<bool>("scale_embedding", false)),
        tied(in.get_or<bool>("tie_word_embeddings", true)),
        head_dropout(in.dropout("classifier_dropout", 0)),
        start(-1) {
    // mBART's outputs begin with their language, which a config need not name.
    if (model_type == "bart" || in.raw("decoder_start_token_id").is_number())
      start = static_cast<int32_t>(in.count_or("decoder_start_token_id", 2));
    for (const StackConfig& s : {encoder, decoder})
      engine::check(hidden % s.heads == 0, in.where(), "d_model ", hidden, " does not divide into ",
                    s.heads, " attention heads of the ", engine::stack_name(s.stack));
    engine::check(start < vocab, in.where(), "decoder_start_token_id is ", start,
                  ", and the vocabulary has ", vocab, " entries");
    in.only("encoder_layerdrop", 0.0);
    in.only("decoder_layerdrop", 0.0);
    in.only("normalize_before", pre_norm);
    in.only("add_final_layer_norm", pre_norm);
    in.only("normalize_embedding", true);
    in.only("static_position_embeddings", false);
    in.only("extra_pos_embeddings", 2);
    in.only("is_encoder_decoder", true);
    in.only("add_bias_logits", false);
    // The encoder's numbers again, and older names.
    in.harmless(
        {"num_hidden_layers", "classif_dropout", "force_bos_token_to_be_generated", "save_step"});
  }

 private:
  static StackConfig read_stack(ConfigReader& in, Stack stack, const std::string& name) {
    return {stack, static_cast<int>(in.size_or(name + "_layers", 12)),
            static_cast<int>(in.size_or(name + "_attention_heads", 16)),
            in.size_or(name + "_ffn_dim", 4096)};
  }
};

// One of a layer's attentions, with the norm and the adapter's place behind it.
struct BartAttention : engine::Module {
  BartAttention(engine::Module& layer, const std::string& name, const BartConfig& config,
                int number_of_heads, Place at)
      : Module(layer, ""),
        c(config),
        heads(number_of_heads),
        query(*this, name + ".q_proj", c.hidden, c.hidden, Role::query, at),
        key(*this, name + ".k_proj", c.hidden, c.hidden, Role::key, at),
        value(*this, name + ".v_proj", c.hidden, c.hidden, Role::value, at),
        output(*this, name + ".out_proj", c.hidden, c.hidden, Role::attention_output, at),
        after(*this, name, c.hidden, engine::Point::after_attention, at),
        norm(*this, name + "_layer_norm", c.hidden, 1e-5, Role::attention_norm, at),
        front(*this, c.hidden, at) {}

  engine::AttentionOptions options(bool causal) const {
    return {.heads = heads, .causal = causal, .dropout = c.attention_dropout};
  }
  Tensor self(Graph& g, const Tensor& x, const Rows& rows, bool causal) {
    const engine::KeyValue prefix = rows.prefix(g, front);
    const Tensor q = query(g, rows.select(g, x)), k = key(g, x), v = value(g, x);
    return output(g, attend(g, q, k, v, rows, options(causal), prefix));
  }
  Tensor cross(Graph& g, const Tensor& x, const Rows& rows, const Sources& sources) {
    return output(g, sources.attend(g, query(g, x), key, value, rows, options(false), front));
  }

  const BartConfig& c;
  const int heads;
  Linear query, key, value, output;
  engine::HookPoint after;
  engine::LayerNorm norm;
  engine::KvPoint front;
};

struct BartLayer : engine::Module {
  BartLayer(engine::Module& parent, std::string name, const BartConfig& config,
            const StackConfig& stack, int number)
      : Module(parent, std::move(name)),
        c(config),
        s(stack),
        layer(number),
        self(*this, "self_attn", c, s.heads, at()),
        cross(s.decodes()
                  ? std::make_unique<BartAttention>(*this, "encoder_attn", c, s.heads,
                                                    Place(s.stack, layer, AttentionKind::cross))
                  : nullptr),
        ffn_in(*this, "fc1", c.hidden, s.ffn, Role::ffn_in, at()),
        ffn_out(*this, "fc2", s.ffn, c.hidden, Role::ffn_out, at()),
        after_ffn(*this, "ffn", c.hidden, engine::Point::after_ffn, at()),
        ffn_norm(*this, "final_layer_norm", c.hidden, 1e-5, Role::ffn_norm, at()) {}

  Place at() const { return {s.stack, layer}; }

  Tensor operator()(Graph& g, Tensor x, const Rows& rows, const Sources* sources) {
    const Tensor before = rows.select(g, x);
    x = sub_layer(g, before, self.norm, self.after, [&] {
      return self.self(g, c.pre_norm ? self.norm(g, x) : x, rows, s.decodes());
    });
    if (cross)
      x = sub_layer(g, x, cross->norm, cross->after, [&] {
        return cross->cross(g, c.pre_norm ? cross->norm(g, x) : x, rows, *sources);
      });
    return sub_layer(g, x, ffn_norm, after_ffn, [&] {
      Tensor h = ffn_in(g, c.pre_norm ? ffn_norm(g, x) : x, c.act);
      return ffn_out(g, engine::dropout(g, std::move(h), c.activation_dropout));
    });
  }

  // x and what `inner` makes of it, with the norm behind (bart) or before (mbart, in `inner`).
  template <class F>
  Tensor sub_layer(Graph& g, const Tensor& x, engine::LayerNorm& norm, engine::HookPoint& point,
                   F&& inner) {
    Tensor h = inner();
    return c.pre_norm ? add_residual(g, point, std::move(h), x, c.dropout)
                      : add_norm(g, point, std::move(h), x, norm, c.dropout);
  }

  const BartConfig& c;
  const StackConfig& s;
  const int layer;
  BartAttention self;
  std::unique_ptr<BartAttention> cross;
  Linear ffn_in, ffn_out;
  engine::HookPoint after_ffn;
  engine::LayerNorm ffn_norm;
};

struct BartStack : engine::Module {
  BartStack(engine::Module& parent, const BartConfig& config, const StackConfig& stack)
      : Module(parent, engine::stack_name(stack.stack)),
        c(config),
        positions(*this, "embed_positions", c.positions + kFirstPosition, c.hidden,
                  Place(stack.stack, -1)),
        embedding_norm(*this, "layernorm_embedding", c.hidden, 1e-5, Role::embedding_norm,
                       Place(stack.stack, -1)) {
    for (int i = 0; i < stack.layers; ++i)
      layers.push_back(
          std::make_unique<BartLayer>(*this, "layers." + std::to_string(i), c, stack, i));
    if (c.pre_norm)
      norm = std::make_unique<engine::LayerNorm>(
          *this, "layer_norm", c.hidden, 1e-5, Role::final_norm, Place(stack.stack, stack.layers));
  }

  // dropout(LN(c words + positions))
  Tensor embed(Graph& g, engine::Embedding& words, const std::vector<int32_t>& ids,
               std::span<const int32_t> places) {
    const auto n = static_cast<int64_t>(ids.size());
    Tensor x;
    if (c.scaled) {
      x = scaled_words(g, engine::look_up(g, {{words, ids.data()}}, n), ids);
      x = engine::add(g, std::move(x), engine::look_up(g, {{positions, places.data()}}, n));
    } else {
      x = engine::look_up(g, {{words, ids.data()}, {positions, places.data()}}, n);
    }
    return engine::dropout(g, embedding_norm(g, x), c.dropout);
  }

  // A prompt's rows (ids below 0) are no words and keep their size, as in PEFT.
  Tensor scaled_words(Graph& g, Tensor x, const std::vector<int32_t>& ids) {
    const auto factor = static_cast<engine::Scalar>(std::sqrt(static_cast<double>(c.hidden)));
    std::vector<int32_t> own, prompt, own_place(ids.size(), -1), prompt_place(ids.size(), -1);
    for (size_t i = 0; i < ids.size(); ++i) {
      auto& rows = ids[i] < 0 ? prompt : own;
      (ids[i] < 0 ? prompt_place : own_place)[i] = static_cast<int32_t>(rows.size());
      rows.push_back(static_cast<int32_t>(i));
    }
    if (prompt.empty()) return engine::scale(g, std::move(x), factor);
    const Tensor scaled = engine::scale(g, engine::select_rows(g, x, own), factor);
    return engine::embedding_sum(g,
                                 {{scaled, own_place.data(), true},
                                  {engine::select_rows(g, x, prompt), prompt_place.data(), true}},
                                 static_cast<int64_t>(ids.size()));
  }

  const BartConfig& c;
  engine::Embedding positions;
  engine::LayerNorm embedding_norm;
  std::vector<std::unique_ptr<BartLayer>> layers;
  std::unique_ptr<engine::LayerNorm> norm;
};

class BartModel : public Model {
 public:
  BartModel(BartConfig given, Json json)
      : c_(std::move(given)),
        json_(std::move(json)),
        base_(*this, "model"),
        words_(base_, "shared", c_.vocab, c_.hidden),
        encoder_(base_, c_, c_.encoder),
        decoder_(base_, c_, c_.decoder) {
    facts_ = {.model_type = c_.model_type,
              .layers = c_.encoder.layers,
              .hidden = c_.hidden,
              .heads = c_.encoder.heads,
              .kv_heads = c_.encoder.heads,
              .ffn = c_.encoder.ffn,
              .embedding = c_.hidden,
              .vocab = c_.vocab,
              .longest = c_.positions,
              .init_std = c_.init_std,
              .decoder_layers = c_.decoder.layers,
              .longest_output = c_.positions,
              .decoder_start = c_.start};
    engine::set_init_std(*this, c_.init_std);
  }

  const Facts& facts() const override { return facts_; }
  engine::Embedding& words() override { return words_; }
  Json to_json() const override { return json_; }

  Tensor forward(Graph& g, const engine::Batch& batch, const Ask& ask) override {
    check_outputs(batch, ask, facts_);
    const Sources sources(encode_sources(g, batch, ask), batch, ask);
    engine::counters().tokens += batch.output.tokens();
    const CausalStep step(g, batch, ask, decoder_.layers.front()->self.front, c_.positions);
    const std::span<int32_t> places = g.take<int32_t>(batch.output.tokens());
    for (size_t i = 0; i < places.size(); ++i)
      places[i] = step.positions()[i] + static_cast<int32_t>(kFirstPosition);
    Tensor x = decoder_.embed(g, words_, batch.output.ids, places);
    for (const auto& layer : decoder_.layers)
      x = (*layer)(g, x, step.rows(layer->layer, layer == decoder_.layers.back()), &sources);
    step.finish();
    return decoder_.norm ? (*decoder_.norm)(g, x) : x;
  }

  HeadNames names(HeadKind kind) const override {
    const std::string family = c_.model_type == "bart" ? "Bart" : "MBart";
    if (kind == HeadKind::classification)
      return {.architecture = family + "ForSequenceClassification",
              .dense = "classification_head.dense",
              .act = engine::Activation::tanh,
              .out = "classification_head.out_proj",
              .dropout = c_.head_dropout};
    if (kind != HeadKind::language_model) no_head(kind);
    return {.architecture = family + "ForConditionalGeneration",
            .out = "lm_head",
            .out_bias = false,
            .tied = c_.tied,
            .tied_bias = "final_logits_bias",
            .fixed_bias = true};
  }

 private:
  // (source tokens, hidden), or nothing where ask.sources has read them.
  Tensor encode_sources(Graph& g, const engine::Batch& batch, const Ask& ask) {
    if (ask.sources && !ask.sources->empty()) return {};
    engine::counters().tokens += batch.tokens();
    if (ask.sources) ask.sources->begin(batch.segments);
    Tensor x = encoder_.embed(g, words_, batch.ids,
                              position_ids(g, batch.segments, c_.positions, kFirstPosition));
    for (const auto& layer : encoder_.layers) x = (*layer)(g, x, {batch.segments}, nullptr);
    return encoder_.norm ? (*encoder_.norm)(g, x) : x;
  }

  BartConfig c_;
  Json json_;
  Facts facts_;
  engine::Module base_;
  engine::Embedding words_;
  BartStack encoder_, decoder_;
};

}  // namespace

Family bart_family() {
  return {.types = {"bart", "mbart"},
          .make = read_model<BartModel, BartConfig>,
          .random = [](const RandomSpec& s) -> Json {
            return {{"model_type", s.type},
                    {"vocab_size", s.vocab},
                    {"max_position_embeddings", s.positions},
                    {"init_std", s.std},
                    {"d_model", s.hidden},
                    {"encoder_layers", s.layers},
                    {"decoder_layers", s.layers},
                    {"encoder_attention_heads", s.heads},
                    {"decoder_attention_heads", s.heads},
                    {"encoder_ffn_dim", s.ffn},
                    {"decoder_ffn_dim", s.ffn},
                    {"activation_function", "gelu"},
                    {"dropout", s.dropout},
                    {"attention_dropout", s.dropout},
                    {"activation_dropout", 0.0},
                    {"scale_embedding", false},
                    {"tie_word_embeddings", true},
                    {"decoder_start_token_id", std::min<int64_t>(2, s.vocab - 1)}};
          },
          .dropouts = {"dropout", "attention_dropout", "activation_dropout", "classifier_dropout"}};
}

}  // namespace models
