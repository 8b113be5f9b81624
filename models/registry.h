// The table of model families. To add one: a file with its Model, its row declared here, a line in
// registry.cpp. (A program with a family of its own calls add_family instead.)
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/checkpoint.h"
#include "models/config_reader.h"
#include "models/model.h"

namespace models {

// What "random:..." says of a fresh model (config.h), in no family's words.
struct RandomSpec {
  std::string type = "bert";
  int64_t layers = 2, hidden = 128, heads = 2, kv_heads = 2, ffn = 512;
  int64_t embedding = 128;  // of the word table, where it may differ from hidden
  int64_t vocab = 30522, positions = 512;
  double dropout = 0.1, std = 0.02;
};

struct Family {
  std::vector<std::string> types;  // values of "model_type"
  // The model that a config.json describes: parameters are declared, no memory is taken. Throws for
  // a config that is not understood; `where` names it.
  std::unique_ptr<Model> (*make)(const engine::Json& config, const std::string& where);
  // The config.json of a fresh model, "model_type" and the sizes at least; null: not offered.
  engine::Json (*random)(const RandomSpec& spec) = nullptr;
  // The keys of all dropout probabilities, for a program's --dropout.
  std::vector<std::string> dropouts;
  // Settles what a config.json leaves to the weights beside it; null: nothing.
  void (*settle)(engine::Json& config, const engine::Checkpoint& weights) = nullptr;
};

// Family::make of a model that is made of its config and of what ConfigReader::finish() gives.
template <class M, class Config>
std::unique_ptr<Model> read_model(const engine::Json& json, const std::string& where) {
  ConfigReader in(json, where);
  Config config(in);
  return std::make_unique<M>(std::move(config), in.finish());
}
// The sizes of a fresh model under the names that most families have, to which Family::random adds
// its own: model_type, vocab_size, max_position_embeddings, ... intermediate_size.
engine::Json usual_sizes(const RandomSpec& spec);

// The built-in families and those added.
const std::vector<Family>& families();
// At the start of a program; not thread-safe. Throws if one of the types is taken.
void add_family(Family family);

// The family of a model_type. Throws, with the list of what is known; `where` opens the message.
const Family& family_of(const std::string& model_type, const std::string& where);
std::unique_ptr<Model> make_model(const engine::Json& config, const std::string& where);

Family bert_family();
Family roberta_family();
Family electra_family();
Family distilbert_family();
Family gpt2_family();
Family llama_family();
Family modernbert_family();
Family deberta_family();
Family bart_family();
Family t5_family();

}  // namespace models
