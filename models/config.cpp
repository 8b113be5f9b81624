#include "models/config.h"

#include <algorithm>
#include <map>

#include "engine/base/number.h"
#include "models/registry.h"

namespace models {

using engine::check;
using engine::fail;
using engine::hint;
using engine::Json;

namespace {

void read_labels(ModelConfig& c) {
  if (c.json.contains("id2label") && c.json["id2label"].is_object()) {
    const Json& map = c.json["id2label"];
    c.labels.assign(map.size(), "");
    std::vector<bool> named(map.size());
    for (const auto& [key, value] : map.items()) {
      const auto id = engine::to_number<size_t>(key);
      check(id && *id < c.labels.size() && !named[*id] && value.is_string(), c.where,
            "id2label has '", key, "', where ids 0 to ", map.size() - 1,
            " with names are expected");
      named[*id] = true;
      c.labels[*id] = value.get<std::string>();
    }
  }
  c.num_labels = c.labels.empty() ? engine::get_or<int>(c.json, "num_labels", 2, c.where)
                                  : static_cast<int>(c.labels.size());
  check(c.num_labels > 0, c.where, "num_labels is ", c.num_labels, "; it must be positive");
}

// Sets c.json and what follows from it.
void take(ModelConfig& c, Json json, const std::string& where) {
  c.where = where;
  c.json = std::move(json);
  c.facts = make_model(c.json, where)->facts();
}

RandomSpec parse_spec(std::string_view spec, int64_t vocab_size, const std::string& where) {
  RandomSpec s;
  s.vocab = vocab_size;
  s.heads = s.kv_heads = s.ffn = s.embedding = 0;  // follow from the others
  const std::map<std::string_view, int64_t*> numbers = {{"layers", &s.layers},
                                                        {"hidden", &s.hidden},
                                                        {"heads", &s.heads},
                                                        {"kv_heads", &s.kv_heads},
                                                        {"ffn", &s.ffn},
                                                        {"vocab", &s.vocab},
                                                        {"positions", &s.positions},
                                                        {"embedding", &s.embedding}};
  const std::map<std::string_view, double*> reals = {{"dropout", &s.dropout}, {"std", &s.std}};
  const size_t colon = spec.find(':');
  std::string_view rest = colon == std::string_view::npos ? "" : spec.substr(colon + 1);
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const size_t equals = item.find('=');
    const std::string_view key = item.substr(0, equals),
                           value = equals == std::string_view::npos ? "" : item.substr(equals + 1);
    const auto number = [&](auto& into) {
      const auto found = engine::to_number<std::remove_reference_t<decltype(into)>>(value);
      check(found.has_value(), where, "'", item, "' in ", spec, " needs a number");
      into = *found;
    };
    if (const auto n = numbers.find(key); n != numbers.end())
      number(*n->second);
    else if (const auto r = reals.find(key); r != reals.end())
      number(*r->second);
    else if (key == "type")
      s.type = value;
    else
      fail(where, "unknown option '", key, "' in ", spec,
           hint("known are type, layers, hidden, heads, ffn, vocab, positions, embedding, dropout, "
                "std, kv_heads"));
  }
  if (s.heads == 0) s.heads = std::max<int64_t>(1, s.hidden / 64);
  if (s.kv_heads == 0) s.kv_heads = s.heads;
  if (s.ffn == 0) s.ffn = 4 * s.hidden;
  if (s.embedding == 0) s.embedding = s.hidden;
  return s;
}

}  // namespace

ModelConfig config_from_json(const Json& json, const std::string& where) {
  ModelConfig c;
  c.raw = json;
  take(c, json, where);
  read_labels(c);
  return c;
}

ModelConfig config_from_spec(std::string_view spec, int64_t vocab_size) {
  const std::string where = "model";
  const RandomSpec parsed = parse_spec(spec, vocab_size, where);
  const Family& family = family_of(parsed.type, where);
  check(family.random != nullptr, where, "a random model of type ", parsed.type, " is not offered",
        hint("give a config.json"));
  ModelConfig c;
  take(c, family.random(parsed), where);
  return c;
}

void ModelConfig::set_dropout(double p) {
  for (const std::string& key : family_of(facts.model_type, where).dropouts) json[key] = p;
}

void set_labels(ModelConfig& config, int num_labels, const std::vector<std::string>& names) {
  config.num_labels = num_labels;
  config.labels = names;
}

Json ModelConfig::to_json() const {
  const auto model = make_model(json, where);
  Json out = model->to_json();
  out["architectures"] = {model->names(head).architecture};
  if (head == HeadKind::language_model) return out;
  out["id2label"] = Json::object();
  out["label2id"] = Json::object();
  for (int i = 0; i < num_labels; ++i) {
    const std::string label = static_cast<size_t>(i) < labels.size()
                                  ? labels[static_cast<size_t>(i)]
                                  : "LABEL_" + std::to_string(i);
    out["id2label"][std::to_string(i)] = label;
    out["label2id"][label] = i;
  }
  if (num_labels == 1 && head == HeadKind::classification)
    out["problem_type"] = "regression";
  else if (multi_label)
    out["problem_type"] = "multi_label_classification";
  else
    out.erase("problem_type");
  return out;
}

}  // namespace models
