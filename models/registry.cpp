#include "models/registry.h"

#include <algorithm>

namespace models {
namespace {

std::vector<Family>& table() {
  // Made on first use, so no static initialiser has an order.
  static std::vector<Family> all = {
      bert_family(),  roberta_family(),    electra_family(), distilbert_family(), gpt2_family(),
      llama_family(), modernbert_family(), deberta_family(), bart_family(),       t5_family()};
  return all;
}

const Family* find(const std::string& type) {
  for (const Family& family : table())
    if (std::find(family.types.begin(), family.types.end(), type) != family.types.end())
      return &family;
  return nullptr;
}

}  // namespace

engine::Json usual_sizes(const RandomSpec& s) {
  return {{"model_type", s.type},
          {"vocab_size", s.vocab},
          {"max_position_embeddings", s.positions},
          {"initializer_range", s.std},
          {"hidden_size", s.hidden},
          {"num_hidden_layers", s.layers},
          {"num_attention_heads", s.heads},
          {"intermediate_size", s.ffn}};
}

const std::vector<Family>& families() { return table(); }

void add_family(Family family) {
  for (const std::string& type : family.types)
    engine::check(!find(type), "model", "there is a family of model_type '", type, "' already");
  table().push_back(std::move(family));
}

const Family& family_of(const std::string& type, const std::string& where) {
  if (const Family* family = find(type)) return *family;
  std::string known;
  for (const Family& family : table())
    for (const std::string& each : family.types) known += (known.empty() ? "" : ", ") + each;
  engine::fail(where, "model_type '", type, "' cannot be trained here",
               engine::hint("known are ", known));
}

std::unique_ptr<Model> make_model(const engine::Json& config, const std::string& where) {
  return family_of(engine::get<std::string>(config, "model_type", where), where)
      .make(config, where);
}

}  // namespace models
