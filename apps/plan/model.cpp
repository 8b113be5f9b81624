#include "apps/plan/model.h"

#include "engine/nn/linear.h"
#include "models/registry.h"

namespace apps::sym {

using engine::Activation;
using engine::Parameter;
using engine::Point;
using engine::Role;

namespace {

// {"down.weight": ..., ...}: the parameters of a hook by their names below it.
std::map<std::string, const Parameter*> parameters_of(engine::Module& module) {
  std::map<std::string, const Parameter*> out;
  module.visit([&](Parameter& p) { out[p.name] = &p; });
  return out;
}

// An option of one strategy, also where it is a part of a composite, whose options are grouped by
// name.
engine::Json option(const peft::Strategy& strategy, const std::string& name,
                    const std::string& key) {
  engine::Json options = strategy.options();
  if (strategy.name() != name)
    options =
        options.is_object() && options.contains(name) ? options[name] : engine::Json::object();
  return options.contains(key) ? options[key] : engine::Json();
}

}  // namespace

Parts::Parts(engine::Module& root, const engine::Sites& sites, const peft::Strategy& strategy)
    : layers_(sites.layers), width_(sites.kv.width()) {
  if (const auto kind = option(strategy, "adapter", "kind"); kind.is_string())
    adapter_kind_ = kind.get<std::string>();
  if (const auto act = option(strategy, "adapter", "activation"); act.is_string())
    adapter_act_ = engine::activation_from_name(act.get<std::string>());
  if (const auto p = option(strategy, "lora", "dropout"); p.is_number())
    lora_dropout_ = p.get<double>() > 0;

  for (const engine::LinearSite& site : sites.linears) {
    Layer l{&site.linear->weight, site.linear->has_bias ? &site.linear->bias : nullptr, {}};
    read_hooks(*site.linear, l);
    linears_[{site.role, site.layer}].push_back(std::move(l));
  }
  for (const engine::PointSite& site : sites.points)
    for (const auto& hook : site.hook_point->hooks()) {
      const auto p = parameters_of(*hook);
      engine::check(p.contains("down.weight") && p.contains("up.weight") && !adapter_kind_.empty(),
                    "plan", "no cost is known for what ", strategy.name(), " adds at ", site.path);
      points_[{site.point, site.layer}].push_back(
          {{p.at("down.weight"), p.at("down.bias"), {}}, {p.at("up.weight"), p.at("up.bias"), {}}});
    }
  if (sites.kv.hook()) {
    const auto p = parameters_of(*sites.kv.hook());
    if (p.contains("prompt_embeddings")) {
      prompt_ = p.at("prompt_embeddings");
    } else {
      engine::check(p.contains("prefix_encoder.transform.2.weight"), "plan",
                    "no cost is known for what ", strategy.name(), " adds to keys and values");
      embedding_ = p.at("prefix_encoder.embedding.weight");
      first_ = {
          p.at("prefix_encoder.transform.0.weight"), p.at("prefix_encoder.transform.0.bias"), {}};
      second_ = {
          p.at("prefix_encoder.transform.2.weight"), p.at("prefix_encoder.transform.2.bias"), {}};
    }
  }
  root.visit([&](Parameter& p) {  // last: it gives the parameters their full names back
    if (p.role == Role::embedding && p.layer < 0) tables_.push_back(&p);
    if (p.role == Role::embedding && p.layer >= 0)
      linears_[{p.role, p.layer}].push_back({&p, nullptr, {}});
    if (p.role == Role::embedding_projection) {  // no site
      auto& list = linears_[{p.role, p.layer}];
      if (list.empty()) list.emplace_back();
      (p.bias ? list[0].bias : list[0].weight) = &p;
    }
    if (p.norm) (p.bias ? norms_[{p.role, p.layer}].bias : norms_[{p.role, p.layer}].weight) = &p;
  });
}

void Parts::read_hooks(engine::Linear& linear, Layer& into) const {
  for (const auto& hook : linear.hooks()) {
    const auto p = parameters_of(*hook);
    if (p.contains("lora_A.weight") && p.contains("lora_B.weight")) {
      into.hooks.push_back({Hook::Kind::lora, p.at("lora_A.weight"), p.at("lora_B.weight")});
    } else if (p.contains("ia3_l")) {
      const Parameter* l = p.at("ia3_l");
      into.hooks.push_back(
          {l->shape.rows == 1 ? Hook::Kind::ia3_input : Hook::Kind::ia3_output, l, nullptr});
    } else {
      engine::fail("plan", "no cost is known for a hook with the parameter '",
                   p.empty() ? "" : p.begin()->first, "'");
    }
  }
}

const Parts::Layer& Parts::layer(Role role, int number, size_t index) const {
  const auto it = linears_.find({role, number});
  engine::check(it != linears_.end() && index < it->second.size(), "plan", "the model has no ",
                engine::role_name(role), " at layer ", number);
  return it->second[index];
}

Value Parts::apply(Tape& t, const Layer& l, const Value& x) const {
  Value in = x;
  for (const Hook& hook : l.hooks)
    if (hook.kind == Hook::Kind::ia3_input) in = column_scale(t, in, t.use(*hook.a));
  Value y = sym::linear(t, in, t.use(*l.weight), l.bias ? t.use(*l.bias) : Value());
  for (const Hook& hook : l.hooks) {
    if (hook.kind == Hook::Kind::lora)
      y = low_rank_add(t, std::move(y), x, t.use(*hook.a), t.use(*hook.b),
                       lora_dropout_ && t.drops());
    if (hook.kind == Hook::Kind::ia3_output) y = column_scale(t, y, t.use(*hook.a));
  }
  return y;
}

Value Parts::apply(Tape& t, const Layer& l, const Value& x, Activation act) const {
  if (l.hooks.empty())
    return linear_activation(t, x, t.use(*l.weight), l.bias ? t.use(*l.bias) : Value());
  return activation(t, apply(t, l, x), act);
}

Value Parts::linear(Tape& t, Role role, int number, const Value& x, size_t index) const {
  return apply(t, layer(role, number, index), x);
}

Value Parts::linear(Tape& t, Role role, int number, const Value& x, Activation act,
                    size_t index) const {
  return apply(t, layer(role, number, index), x, act);
}

Value Parts::norm(Tape& t, Role role, int number, const Value& x) const {
  const Layer& n = norms_.at({role, number});
  return n.bias ? layer_norm(t, x, t.use(*n.weight), t.use(*n.bias))
                : rms_norm(t, x, t.use(*n.weight));
}

const Parameter& Parts::parameter(Role role, int number) const {
  return *layer(role, number, 0).weight;
}

Value Parts::point_hooks(Tape& t, Point point, int number, Value h, const Value& residual) const {
  const auto it = points_.find({point, number});
  if (it == points_.end()) return h;
  const Role role = point == Point::after_attention ? Role::attention_norm : Role::ffn_norm;
  const auto f = [&](const Bottleneck& b, const Value& x) {
    return apply(t, b.up, apply(t, b.down, x, adapter_act_));
  };
  for (const Bottleneck& b : it->second) {
    if (adapter_kind_ == "houlsby")
      h = add(t, f(b, h), h);
    else if (adapter_kind_ == "pfeiffer")
      h = add(t, f(b, norm(t, role, number, add(t, h, residual))), h);
    else
      h = add(t, scale(t, f(b, residual)), h);
  }
  return h;
}

Value Parts::finish(Tape& t, Point point, int number, Value h, const Value& residual,
                    double p) const {
  const Layer& n =
      norms_.at({point == Point::after_attention ? Role::attention_norm : Role::ffn_norm, number});
  if (!has_point_hooks(point, number))
    return add_layer_norm(t, std::move(h), residual, t.use(*n.weight), t.use(*n.bias), p);
  h = dropout(t, std::move(h), p);
  h = point_hooks(t, point, number, std::move(h), residual);
  return add_layer_norm(t, std::move(h), residual, t.use(*n.weight), t.use(*n.bias), 0);
}

std::vector<Value> Parts::tables(Tape& t) const {
  std::vector<Value> out;
  for (const Parameter* p : tables_) out.push_back(t.use(*p));
  return out;
}

Parts::KeyValue Parts::prefix(Tape& t, int number) {
  if (prompt_)
    return {select_columns(t, t.use(*prompt_), width_), select_columns(t, t.use(*prompt_), width_)};
  if (!embedding_) return {};
  if (!table_.exists())
    table_ = apply(t, second_, apply(t, first_, t.use(*embedding_), Activation::tanh));
  KeyValue kv{select_columns(t, table_, width_), select_columns(t, table_, width_)};
  if (number == layers_ - 1) table_ = Value();
  return kv;
}

namespace {

// What the shapes and the dropout of a step depend on.
struct Settings {
  explicit Settings(const models::ModelConfig& config)
      : family(config.facts.model_type),
        num_hidden_layers(config.facts.layers),
        num_attention_heads(config.facts.heads),
        num_labels(config.num_labels),
        hidden_size(config.facts.hidden),
        embedding_size(config.facts.embedding) {
    const engine::Json json = models::make_model(config.json, config.where)->to_json();
    const bool distil = family == "distilbert";
    hidden_dropout = json.at(distil ? "dropout" : "hidden_dropout_prob");
    classifier_dropout = json.at(distil ? "seq_classif_dropout" : "classifier_dropout");
    hidden_act = engine::activation_from_name(
        json.at(distil ? "activation" : "hidden_act").get<std::string>());
  }
  std::string family;
  int num_hidden_layers, num_attention_heads, num_labels;
  int64_t hidden_size, embedding_size;
  double hidden_dropout = 0, classifier_dropout = 0;
  Activation hidden_act = Activation::gelu;
};

Value encoder_layer(Tape& t, const Settings& c, const Parts& parts, int number, const Value& x,
                    const Packed& packed, const Parts::KeyValue& prefix, bool first_only) {
  const bool distil = c.family == "distilbert";
  const Value at = first_only ? select_rows(t, x, packed.sequences) : x;
  Value h;
  {
    const Value q = parts.linear(t, Role::query, number, at),
                k = parts.linear(t, Role::key, number, x),
                v = parts.linear(t, Role::value, number, x);
    h = parts.linear(
        t, Role::attention_output, number,
        attention(t, q, k, v, packed, c.num_attention_heads, prefix.key, prefix.value));
  }
  const Value middle = parts.finish(t, Point::after_attention, number, std::move(h), at,
                                    distil ? 0 : c.hidden_dropout);
  h = parts.linear(t, Role::ffn_out, number,
                   parts.linear(t, Role::ffn_in, number, middle, c.hidden_act));
  return parts.finish(t, Point::after_ffn, number, std::move(h), middle, c.hidden_dropout);
}

Value embeddings(Tape& t, const Settings& c, const Parts& parts, int64_t tokens) {
  const std::vector<Value> tables = parts.tables(t);
  const Value x = tables.size() > 2 ? embedding_sum(t, {tables[0], tables[1], tables[2]}, tokens)
                                    : embedding_sum(t, {tables[0], tables[1]}, tokens);
  return dropout(t, parts.norm(t, Role::embedding_norm, -1, x), c.hidden_dropout);
}

Value head(Tape& t, const Settings& c, const Parts& parts, Value x) {
  const double p = c.classifier_dropout;
  const int after = c.num_hidden_layers;
  const bool own =
      c.family != "bert";  // RoBERTa, ELECTRA and DistilBERT have their own first layer
  if (c.family == "bert")
    x = parts.linear(t, Role::pooler, after, x, Activation::tanh);
  else if (c.family == "electra")
    x = parts.linear(t, Role::head, after, dropout(t, std::move(x), p), Activation::gelu);
  else if (c.family == "distilbert")
    x = parts.linear(t, Role::head, after, x, Activation::relu);
  else
    x = parts.linear(t, Role::head, after, dropout(t, std::move(x), p), Activation::tanh);
  return parts.linear(t, Role::head, after, dropout(t, std::move(x), p), own ? 1 : 0);
}

}  // namespace

void step(Tape& t, const models::ModelConfig& config, Parts& parts, const Packed& packed) {
  const Settings c(config);
  Value logits;
  {
    Value x = embeddings(t, c, parts, packed.tokens());
    if (c.embedding_size != c.hidden_size) x = parts.linear(t, Role::embedding_projection, -1, x);
    for (int i = 0; i < c.num_hidden_layers; ++i)
      x = encoder_layer(t, c, parts, i, x, packed, parts.prefix(t, i),
                        i + 1 == c.num_hidden_layers);
    logits = head(t, c, parts, x);
  }
  const Value loss = c.num_labels == 1 ? mse(t, logits) : cross_entropy(t, logits);
  t.backward(loss);
}

void step_llama(Tape& t, const engine::Sites& sites, Parts& parts, const Packed& packed) {
  Value logits;
  {
    Value x = embedding_sum(t, {parts.tables(t)[0]}, packed.tokens());
    for (int i = 0; i < sites.layers; ++i) {
      const Parts::KeyValue prefix = parts.prefix(t, i);
      Value h;
      {
        const Value n = parts.norm(t, Role::attention_norm, i, x);
        const Value q = rotary(t, parts.linear(t, Role::query, i, n)),
                    k = rotary(t, parts.linear(t, Role::key, i, n)),
                    v = parts.linear(t, Role::value, i, n);
        h = parts.linear(t, Role::attention_output, i,
                         attention(t, q, k, v, packed, sites.heads, prefix.key, prefix.value));
      }
      x = add(t, parts.point_hooks(t, Point::after_attention, i, std::move(h), x), x);
      {
        const Value n = parts.norm(t, Role::ffn_norm, i, x);
        h = parts.linear(
            t, Role::ffn_out, i,
            swiglu(t, parts.linear(t, Role::ffn_in, i, n), parts.linear(t, Role::ffn_in, i, n, 1)));
      }
      x = add(t, parts.point_hooks(t, Point::after_ffn, i, std::move(h), x), x);
    }
    x = parts.norm(t, Role::ffn_norm, sites.layers, x);
    const bool tied =
        !parts.has_linear(Role::embedding, sites.layers);  // lm_head is the table of words
    logits = sym::linear(
        t, x, tied ? parts.tables(t)[0] : t.use(parts.parameter(Role::embedding, sites.layers)),
        Value());
  }
  t.backward(cross_entropy(t, logits));
}

}  // namespace apps::sym
