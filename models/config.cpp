#include "models/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace models {

using engine::check;
using engine::fail;
using engine::get;
using engine::get_or;
using engine::hint;
using engine::Json;

namespace {

constexpr const char* kKnownTypes =
    "known are bert, roberta, xlm-roberta, camembert, electra, distilbert";

Family family_of(const std::string& type, const std::string& where) {
  if (type == "bert") return Family::bert;
  if (type == "roberta" || type == "xlm-roberta" || type == "camembert") return Family::roberta;
  if (type == "electra") return Family::electra;
  if (type == "distilbert") return Family::distilbert;
  fail(where, "model_type '", type, "' cannot be trained here", hint(kKnownTypes));
}

engine::Activation activation_of(const Json& json, const char* key, const std::string& where) {
  const auto name = get_or<std::string>(json, key, "gelu", where);
  try {
    return engine::activation_from_name(name);
  } catch (const engine::Error& e) {  // which file it was
    fail(where, '"', key, "\": ", e.what());
  }
}

void check_sizes(const ModelConfig& c, const std::string& where) {
  for (const auto& [name, value] : {std::pair<const char*, int64_t>{"vocab_size", c.vocab_size},
                                    {"hidden_size", c.hidden_size},
                                    {"num_hidden_layers", c.num_hidden_layers},
                                    {"num_attention_heads", c.num_attention_heads},
                                    {"intermediate_size", c.intermediate_size},
                                    {"embedding_size", c.embedding_size},
                                    {"num_labels", c.num_labels},
                                    {"longest sequence", c.longest_sequence()}})
    check(value > 0 && value < (int64_t{1} << 31), where, name, " is ", value,
          "; it must be positive");
  check(c.type_vocab_size >= 0, where, "type_vocab_size is ", c.type_vocab_size,
        "; it must be 0 (no token types) or more");
  check(c.layer_norm_eps > 0, where, "layer_norm_eps is ", c.layer_norm_eps,
        "; it must be positive");
  check(c.hidden_size % c.num_attention_heads == 0, where, "hidden_size ", c.hidden_size,
        " does not divide into num_attention_heads ", c.num_attention_heads);
  for (const double p : {c.hidden_dropout, c.attention_dropout, c.classifier_dropout})
    check(p >= 0 && p < 1, where, "dropout ", p, " is not in [0, 1)");
}

void read_labels(ModelConfig& c, const Json& json, const std::string& where) {
  if (json.contains("id2label") && json["id2label"].is_object()) {
    const Json& map = json["id2label"];
    c.labels.assign(map.size(), "");
    for (const auto& [key, value] : map.items()) {
      size_t id = 0;
      const auto end = key.data() + key.size();
      const bool whole = std::from_chars(key.data(), end, id).ptr == end;
      check(whole && id < c.labels.size() && value.is_string(), where, "id2label has '", key,
            "', where ids 0 to ", map.size() - 1, " with names are expected");
      c.labels[id] = value.get<std::string>();
    }
  }
  c.num_labels = c.labels.empty() ? get_or<int>(json, "num_labels", 2, where)
                                  : static_cast<int>(c.labels.size());
}

}  // namespace

ModelConfig config_from_json(const Json& json, const std::string& where) {
  ModelConfig c;
  c.model_type = get<std::string>(json, "model_type", where);
  c.family = family_of(c.model_type, where);
  c.raw = json;
  c.vocab_size = get<int64_t>(json, "vocab_size", where);
  c.max_position_embeddings = get<int64_t>(json, "max_position_embeddings", where);
  c.initializer_range = get_or<double>(json, "initializer_range", 0.02, where);
  const auto positions = get_or<std::string>(json, "position_embedding_type", "absolute", where);
  check(positions == "absolute", where, "position_embedding_type '", positions,
        "' is not supported", hint("only absolute positions are"));
  if (c.family == Family::distilbert) {
    c.hidden_size = get<int64_t>(json, "dim", where);
    c.num_hidden_layers = get<int>(json, "n_layers", where);
    c.num_attention_heads = get<int>(json, "n_heads", where);
    c.intermediate_size = get<int64_t>(json, "hidden_dim", where);
    c.hidden_act = activation_of(json, "activation", where);
    c.hidden_dropout = get_or<double>(json, "dropout", 0.1, where);
    c.attention_dropout = get_or<double>(json, "attention_dropout", 0.1, where);
    c.classifier_dropout = get_or<double>(json, "seq_classif_dropout", 0.2, where);
    c.type_vocab_size = 0;
    c.embedding_size = c.hidden_size;
  } else {
    c.hidden_size = get<int64_t>(json, "hidden_size", where);
    c.num_hidden_layers = get<int>(json, "num_hidden_layers", where);
    c.num_attention_heads = get<int>(json, "num_attention_heads", where);
    c.intermediate_size = get<int64_t>(json, "intermediate_size", where);
    c.hidden_act = activation_of(json, "hidden_act", where);
    c.hidden_dropout = get_or<double>(json, "hidden_dropout_prob", 0.1, where);
    c.attention_dropout = get_or<double>(json, "attention_probs_dropout_prob", 0.1, where);
    c.classifier_dropout = get_or<double>(json, "classifier_dropout", c.hidden_dropout, where);
    c.type_vocab_size = get_or<int64_t>(json, "type_vocab_size", 2, where);
    c.layer_norm_eps = get_or<double>(json, "layer_norm_eps", 1e-12, where);
    c.embedding_size = c.family == Family::electra
                           ? get_or<int64_t>(json, "embedding_size", 128, where)
                           : c.hidden_size;
    if (c.family == Family::roberta)
      c.position_offset = get_or<int64_t>(json, "pad_token_id", 1, where) + 1;
  }
  read_labels(c, json, where);
  check_sizes(c, where);
  return c;
}

ModelConfig config_from_spec(std::string_view spec, int64_t vocab_size) {
  const std::string where = "model";
  ModelConfig c;
  c.vocab_size = vocab_size;
  int64_t layers = 2, hidden = 128, heads = 0, ffn = 0, embedding = 0;
  double dropout = 0.1;
  std::string_view rest = spec.substr(std::min(
      spec.size(), spec.find(':') == std::string_view::npos ? spec.size() : spec.find(':') + 1));
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const size_t equals = item.find('=');
    const std::string_view key = item.substr(0, equals),
                           value = equals == std::string_view::npos ? "" : item.substr(equals + 1);
    const auto number = [&](auto& into) {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), into);
      check(error == std::errc() && end == value.data() + value.size(), where, "'", item, "' in ",
            spec, " needs a number");
    };
    if (key == "layers")
      number(layers);
    else if (key == "hidden")
      number(hidden);
    else if (key == "heads")
      number(heads);
    else if (key == "ffn")
      number(ffn);
    else if (key == "vocab")
      number(c.vocab_size);
    else if (key == "positions")
      number(c.max_position_embeddings);
    else if (key == "embedding")
      number(embedding);
    else if (key == "dropout")
      number(dropout);
    else if (key == "std")
      number(c.initializer_range);
    else if (key == "type")
      c.model_type = value;
    else
      fail(where, "unknown option '", key, "' in ", spec,
           hint("known are type, layers, hidden, heads, ffn, vocab, positions, embedding, dropout, "
                "std"));
  }
  c.family = family_of(c.model_type, where);
  for (const auto& [name, value] : {std::pair<const char*, int64_t>{"num_hidden_layers", layers},
                                    {"num_attention_heads", heads}})
    check(value == static_cast<int>(value), where, name, " is ", value,
          "; it must be positive and below 2^31");
  c.num_hidden_layers = static_cast<int>(layers);
  c.hidden_size = hidden;
  c.num_attention_heads = static_cast<int>(heads ? heads : std::max<int64_t>(1, hidden / 64));
  c.intermediate_size = ffn ? ffn : 4 * hidden;
  c.embedding_size = embedding && c.family == Family::electra ? embedding : hidden;
  c.set_dropout(dropout);
  if (c.family == Family::distilbert) c.type_vocab_size = 0;
  if (c.family == Family::roberta) {
    c.type_vocab_size = 1;
    c.position_offset = 2;
    c.layer_norm_eps = 1e-5;
  }
  check_sizes(c, where);
  return c;
}

void set_labels(ModelConfig& config, int num_labels, const std::vector<std::string>& names) {
  config.num_labels = num_labels;
  config.labels = names;
}

Json ModelConfig::to_json() const {
  Json json = raw.is_object() ? raw : Json::object();
  const char* name = family == Family::bert      ? "Bert"
                     : family == Family::roberta ? "Roberta"
                     : family == Family::electra ? "Electra"
                                                 : "DistilBert";
  json["architectures"] = {std::string(name) + "ForSequenceClassification"};
  json["model_type"] = model_type;
  json["vocab_size"] = vocab_size;
  json["max_position_embeddings"] = max_position_embeddings;
  json["initializer_range"] = initializer_range;
  if (family == Family::distilbert) {
    json["dim"] = hidden_size;
    json["n_layers"] = num_hidden_layers;
    json["n_heads"] = num_attention_heads;
    json["hidden_dim"] = intermediate_size;
    json["activation"] = engine::activation_name(hidden_act);
    json["dropout"] = hidden_dropout;
    json["attention_dropout"] = attention_dropout;
    json["seq_classif_dropout"] = classifier_dropout;
  } else {
    json["hidden_size"] = hidden_size;
    json["num_hidden_layers"] = num_hidden_layers;
    json["num_attention_heads"] = num_attention_heads;
    json["intermediate_size"] = intermediate_size;
    json["hidden_act"] = engine::activation_name(hidden_act);
    json["hidden_dropout_prob"] = hidden_dropout;
    json["attention_probs_dropout_prob"] = attention_dropout;
    json["classifier_dropout"] = classifier_dropout;
    json["type_vocab_size"] = type_vocab_size;
    json["layer_norm_eps"] = layer_norm_eps;
    if (family == Family::electra) json["embedding_size"] = embedding_size;
    if (!json.contains("pad_token_id"))
      json["pad_token_id"] = family == Family::roberta ? position_offset - 1 : 0;
  }
  json["id2label"] = Json::object();
  json["label2id"] = Json::object();
  for (int i = 0; i < num_labels; ++i) {
    const std::string label = static_cast<size_t>(i) < labels.size()
                                  ? labels[static_cast<size_t>(i)]
                                  : "LABEL_" + std::to_string(i);
    json["id2label"][std::to_string(i)] = label;
    json["label2id"][label] = i;
  }
  if (num_labels == 1)
    json["problem_type"] = "regression";
  else
    json.erase("problem_type");
  return json;
}

}  // namespace models
