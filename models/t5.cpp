// T5 (Raffel et al. 2020), its version 1.1, Flan-T5 and mT5 (Xue et al. 2021): an encoder and a
// decoder without positions. Attention adds a bias by the distance of query and key, from one table
// a stack.
//
//   x = words;  in every layer, with n = rms_norm(x), no biases, and no scale of the scores:
//   x += attention(n);  [x += attention(n, encoder)];  x += act(n Wi^T) Wo^T
//   1.1:                                               x += (act(n W0^T) * n W1^T) Wo^T
//   and a last norm behind each stack
//
// 1.0: one table of words for both stacks and the head, which reads the decoder's result divided by
// sqrt(d_model). 1.1 has a head of its own and no division.
#include <cmath>
#include <memory>

#include "engine/base/counters.h"
#include "engine/nn/rms_norm.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/gated.h"
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
using engine::RelativeBias;
using engine::Role;
using engine::Stack;
using engine::Tensor;

// Nothing in the model ends at some position; this bounds what a mistake can cost.
constexpr int64_t kLongest = int64_t{1} << 20;

struct T5Config {
  std::string model_type;
  int64_t hidden, width, ffn, vocab;  // width: of a head
  int layers, decoder_layers, heads;
  int64_t buckets, max_distance;
  double dropout, eps, factor;  // factor: of the spread of fresh weights
  bool gated, tied, scaled;
  engine::Activation act = engine::Activation::relu;
  int32_t start;

  explicit T5Config(ConfigReader& in)
      : model_type(in.get<std::string>("model_type")),
        hidden(in.size_or("d_model", 512)),
        width(in.size_or("d_kv", 64)),
        ffn(in.size_or("d_ff", 2048)),
        vocab(in.size_or("vocab_size", 32128)),
        layers(static_cast<int>(in.size_or("num_layers", 6))),
        decoder_layers(static_cast<int>(in.size_or("num_decoder_layers", layers))),
        heads(static_cast<int>(in.size_or("num_heads", 8))),
        buckets(in.size_or("relative_attention_num_buckets", 32)),
        max_distance(in.size_or("relative_attention_max_distance", 128)),
        dropout(in.dropout("dropout_rate", 0.1)),
        eps(in.epsilon("layer_norm_epsilon", 1e-6)),
        factor(in.epsilon("initializer_factor", 1)),
        start(static_cast<int32_t>(in.count_or("decoder_start_token_id", 0))) {
    tied = in.get_or<bool>("tie_word_embeddings", model_type == "t5");
    scaled = in.get_or<bool>("scale_decoder_outputs", tied && model_type == "t5");
    read_feed_forward(in);
    engine::check(start < vocab, in.where(), "decoder_start_token_id is ", start,
                  ", and the vocabulary has ", vocab, " entries");
    engine::check(
        buckets >= 4 && max_distance > buckets / 2, in.where(), "relative_attention_num_buckets ",
        buckets, " and relative_attention_max_distance ", max_distance,
        " leave no bucket for far keys", engine::hint("T5's are 32 buckets and a distance of 128"));
    in.only("is_encoder_decoder", true);
    in.only("is_decoder", false);
    // What feed_forward_proj says, another head's dropout, and a length that nothing depends on.
    in.harmless({"dense_act_fn", "is_gated_act", "classifier_dropout", "n_positions"});
  }

  int64_t inner() const { return heads * width; }
  double spread(int64_t fan_in) const { return factor / std::sqrt(static_cast<double>(fan_in)); }

 private:
  // "relu" or "gated-gelu".
  void read_feed_forward(ConfigReader& in) {
    std::string name =
        in.get_or<std::string>("feed_forward_proj", model_type == "t5" ? "relu" : "gated-gelu");
    gated = name.starts_with("gated-");
    if (gated) name = name.substr(6);
    if (gated && name == "gelu") name = "gelu_new";  // T5's is the form with tanh
    act = engine::activation_from_name(name);
  }
};

// A layer without bias whose fresh weights have the spread of T5's.
struct T5Linear : Linear {
  T5Linear(Module& parent, const std::string& name, int64_t in, int64_t out, Role role, Place at,
           double std)
      : Linear(parent, name, in, out, role, at, false) {
    weight.init_std = std;
  }
};

// (buckets, heads), of all layers of a stack, under the name of the first one's.
struct DistanceTable : engine::Module {
  DistanceTable(engine::Module& attention, const T5Config& c, Stack stack)
      : Module(attention, "SelfAttention.relative_attention_bias") {
    declare(weight, "weight", {c.buckets, c.heads}, Role::embedding, Place(stack, -1));
    weight.init_std = c.spread(c.hidden);
  }
  engine::Parameter weight;
};

// x += attention(rms_norm(x)), to itself or to the encoder.
struct T5Attention : engine::Module {
  T5Attention(engine::Module& layer, const std::string& number, const T5Config& config, Place place)
      : Module(layer, number),
        c(config),
        at(place),
        name(at.attention == AttentionKind::cross ? "EncDecAttention" : "SelfAttention"),
        query(*this, name + ".q", c.hidden, c.inner(), Role::query, at,
              c.spread(c.hidden * c.width)),
        key(*this, name + ".k", c.hidden, c.inner(), Role::key, at, c.spread(c.hidden)),
        value(*this, name + ".v", c.hidden, c.inner(), Role::value, at, c.spread(c.hidden)),
        output(*this, name + ".o", c.inner(), c.hidden, Role::attention_output, at,
               c.spread(c.inner())),
        table(at.attention == AttentionKind::self && at.layer == 0
                  ? std::make_unique<DistanceTable>(*this, c, at.stack)
                  : nullptr),
        after(*this, name, c.hidden, engine::Point::after_attention, at),
        norm(*this, "layer_norm", c.hidden, c.eps, Role::attention_norm, at),
        front(*this, c.inner(), at) {}

  Tensor self(Graph& g, const Tensor& x, const Rows& rows, const RelativeBias& bias) {
    const engine::KeyValue prefix = rows.prefix(g, front);
    const Tensor n = norm(g, x);
    engine::AttentionOptions o = options();
    o.causal = at.stack == Stack::decoder;
    o.bias = &bias;
    const Tensor q = query(g, rows.select(g, n)), k = key(g, n), v = value(g, n);
    return ended(g, output(g, attend(g, q, k, v, rows, o, prefix)), rows.select(g, x));
  }
  Tensor cross(Graph& g, const Tensor& x, const Rows& rows, const Sources& sources) {
    const Tensor q = query(g, norm(g, x));
    return ended(g, output(g, sources.attend(g, q, key, value, rows, options(), front)), x);
  }

  engine::AttentionOptions options() const {
    return {.heads = c.heads, .dropout = c.dropout, .scale = 1};
  }
  Tensor ended(Graph& g, Tensor h, const Tensor& x) {
    return add_residual(g, after, std::move(h), x, c.dropout);
  }

  const T5Config& c;
  const Place at;
  const std::string name;
  T5Linear query, key, value, output;
  std::unique_ptr<DistanceTable> table;
  engine::HookPoint after;
  engine::RmsNorm norm;
  engine::KvPoint front;
};

// x += act(n Wi^T) Wo^T, or gated, with n = rms_norm(x).
struct T5FeedForward : engine::Module {
  T5FeedForward(engine::Module& layer, const std::string& number, const T5Config& config, Place at)
      : Module(layer, number), c(config) {
    const std::string name = "DenseReluDense.";
    if (c.gated)
      gate = std::make_unique<T5Linear>(*this, name + "wi_0", c.hidden, c.ffn, Role::ffn_gate, at,
                                        c.spread(c.hidden));
    in = std::make_unique<T5Linear>(*this, name + (c.gated ? "wi_1" : "wi"), c.hidden, c.ffn,
                                    Role::ffn_in, at, c.spread(c.hidden));
    out = std::make_unique<T5Linear>(*this, name + "wo", c.ffn, c.hidden, Role::ffn_out, at,
                                     c.spread(c.ffn));
    after = std::make_unique<engine::HookPoint>(*this, "DenseReluDense", c.hidden,
                                                engine::Point::after_ffn, at);
    norm =
        std::make_unique<engine::RmsNorm>(*this, "layer_norm", c.hidden, c.eps, Role::ffn_norm, at);
  }

  Tensor operator()(Graph& g, const Tensor& x) {
    const Tensor n = (*norm)(g, x);
    Tensor h = gate ? engine::gated(g, (*gate)(g, n), (*in)(g, n), c.act) : (*in)(g, n, c.act);
    h = (*out)(g, engine::dropout(g, std::move(h), c.dropout));
    return add_residual(g, *after, std::move(h), x, c.dropout);
  }

  const T5Config& c;
  std::unique_ptr<T5Linear> gate, in, out;
  std::unique_ptr<engine::HookPoint> after;
  std::unique_ptr<engine::RmsNorm> norm;
};

struct T5Layer : engine::Module {
  T5Layer(engine::Module& stack, const T5Config& c, Place at)
      : Module(stack, "block." + std::to_string(at.layer)),
        self(*this, "layer.0", c, at),
        cross(at.stack == Stack::decoder
                  ? std::make_unique<T5Attention>(*this, "layer.1", c,
                                                  Place(at.stack, at.layer, AttentionKind::cross))
                  : nullptr),
        ffn(*this, cross ? "layer.2" : "layer.1", c, at) {}

  Tensor operator()(Graph& g, Tensor x, const Rows& rows, const RelativeBias& bias,
                    const Sources* sources) {
    x = self.self(g, x, rows, bias);
    if (cross) x = cross->cross(g, x, rows, *sources);
    return ffn(g, x);
  }

  T5Attention self;
  std::unique_ptr<T5Attention> cross;
  T5FeedForward ffn;
};

struct T5Stack : engine::Module {
  T5Stack(engine::Module& parent, const T5Config& config, Stack which, int number_of_layers)
      : Module(parent, engine::stack_name(which)), c(config), stack(which) {
    for (int i = 0; i < number_of_layers; ++i)
      layers.push_back(std::make_unique<T5Layer>(*this, c, Place(stack, i)));
    norm = std::make_unique<engine::RmsNorm>(*this, "final_layer_norm", c.hidden, c.eps,
                                             Role::final_norm, Place(stack, number_of_layers));
  }

  Tensor embed(Graph& g, engine::Embedding& words, const std::vector<int32_t>& ids) {
    const auto n = static_cast<int64_t>(ids.size());
    return engine::dropout(g, engine::look_up(g, {{words, ids.data()}}, n), c.dropout);
  }
  RelativeBias bias(Graph& g) {
    return {g.use(layers.front()->self.table->weight), stack == Stack::encoder, c.max_distance};
  }
  Tensor ended(Graph& g, const Tensor& x) { return engine::dropout(g, (*norm)(g, x), c.dropout); }

  const T5Config& c;
  const Stack stack;
  std::vector<std::unique_ptr<T5Layer>> layers;
  std::unique_ptr<engine::RmsNorm> norm;
};

class T5Model : public Model {
 public:
  T5Model(T5Config given, Json json)
      : c_(std::move(given)),
        json_(std::move(json)),
        words_(*this, "shared", c_.vocab, c_.hidden),
        encoder_(*this, c_, Stack::encoder, c_.layers),
        decoder_(*this, c_, Stack::decoder, c_.decoder_layers) {
    facts_ = {.model_type = c_.model_type,
              .layers = c_.layers,
              .hidden = c_.hidden,
              .heads = c_.heads,
              .kv_heads = c_.heads,
              .ffn = c_.ffn,
              .embedding = c_.hidden,
              .vocab = c_.vocab,
              .longest = kLongest,
              .decoder_layers = c_.decoder_layers,
              .longest_output = kLongest,
              .decoder_start = c_.start};
    words_.weight.init_std = c_.factor;
  }

  const Facts& facts() const override { return facts_; }
  engine::Embedding& words() override { return words_; }
  Json to_json() const override { return json_; }

  Tensor forward(Graph& g, const engine::Batch& batch, const Ask& ask) override {
    check_outputs(batch, ask, facts_);
    const Sources sources(encode_sources(g, batch, ask), batch, ask);
    engine::counters().tokens += batch.output.tokens();
    const CausalStep step(g, batch, ask, decoder_.layers.front()->self.front, kLongest);
    const RelativeBias bias = decoder_.bias(g);
    Tensor x = decoder_.embed(g, words_, batch.output.ids);
    for (size_t i = 0; i < decoder_.layers.size(); ++i)
      x = (*decoder_.layers[i])(
          g, x, step.rows(static_cast<int>(i), i + 1 == decoder_.layers.size()), bias, &sources);
    step.finish();
    x = decoder_.ended(g, x);
    if (!c_.scaled) return x;
    return engine::scale(
        g, std::move(x),
        static_cast<engine::Scalar>(1 / std::sqrt(static_cast<double>(c_.hidden))));
  }

  HeadNames names(HeadKind kind) const override {
    if (kind != HeadKind::language_model) no_head(kind);
    return {.architecture = c_.model_type == "t5" ? "T5ForConditionalGeneration"
                                                  : "MT5ForConditionalGeneration",
            .out = "lm_head",
            .out_bias = false,
            .tied = c_.tied};
  }

 private:
  // (source tokens, hidden), or nothing where ask.sources has read them.
  Tensor encode_sources(Graph& g, const engine::Batch& batch, const Ask& ask) {
    if (ask.sources && !ask.sources->empty()) return {};
    engine::check(batch.segments.longest() <= kLongest, "model", "a source of ",
                  batch.segments.longest(), " tokens; at most ", kLongest, " are read");
    engine::counters().tokens += batch.tokens();
    if (ask.sources) ask.sources->begin(batch.segments);
    const RelativeBias bias = encoder_.bias(g);
    Tensor x = encoder_.embed(g, words_, batch.ids);
    for (const auto& layer : encoder_.layers) x = (*layer)(g, x, {batch.segments}, bias, nullptr);
    return encoder_.ended(g, x);
  }

  T5Config c_;
  Json json_;
  Facts facts_;
  engine::Embedding words_;
  T5Stack encoder_, decoder_;
};

// transformers 5 writes every config of 1.1 and mT5 as tied, and means it where the file has no
// head. The head of 1.0 is the table of words, though older files have it twice.
void settle_head(Json& config, const engine::Checkpoint& weights) {
  const bool t5 = config.value("model_type", "") == "t5";
  if (!config.value("scale_decoder_outputs", t5) && weights.find("lm_head.weight"))
    config["tie_word_embeddings"] = false;
}

}  // namespace

Family t5_family() {
  return {.types = {"t5", "mt5"},
          .make = read_model<T5Model, T5Config>,
          .random = [](const RandomSpec& s) -> Json {
            return {{"model_type", s.type},
                    {"vocab_size", s.vocab},
                    {"d_model", s.hidden},
                    {"d_kv", std::max<int64_t>(1, s.hidden / s.heads)},
                    {"d_ff", s.ffn},
                    {"num_layers", s.layers},
                    {"num_decoder_layers", s.layers},
                    {"num_heads", s.heads},
                    {"relative_attention_num_buckets", 32},
                    {"relative_attention_max_distance", 128},
                    {"dropout_rate", s.dropout},
                    {"feed_forward_proj", "relu"},
                    {"tie_word_embeddings", true},
                    {"decoder_start_token_id", 0}};
          },
          .dropouts = {"dropout_rate"},
          .settle = settle_head};
}

}  // namespace models
