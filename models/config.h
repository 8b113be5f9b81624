// What a Hugging Face config.json says of a model, under one set of names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/json.h"
#include "engine/ops/activation.h"

namespace models {

// Families that can be trained; the same code, told apart by names and a few settings.
enum class Family { bert, roberta, electra, distilbert };

struct ModelConfig {
  std::string model_type =
      "bert";  // Hugging Face's: bert, roberta (xlm-roberta, camembert), electra, distilbert
  Family family = Family::bert;
  int64_t vocab_size = 30522;
  int64_t hidden_size = 768;
  int64_t embedding_size = 768;  // ELECTRA: may differ from hidden_size
  int num_hidden_layers = 12;
  int num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  int64_t max_position_embeddings = 512;
  int64_t type_vocab_size = 2;  // 0: no token types (DistilBERT)
  int64_t position_offset = 0;  // RoBERTa: pad_token_id + 1
  engine::Activation hidden_act = engine::Activation::gelu;
  double layer_norm_eps = 1e-12;
  double initializer_range = 0.02;
  double hidden_dropout = 0.1;
  double attention_dropout = 0.1;
  double classifier_dropout = 0.1;
  int num_labels = 2;               // 1: regression
  std::vector<std::string> labels;  // id2label, in order of id
  engine::Json raw;                 // the file itself, to be written back with a fine-tuned model

  // The longest sequence, special tokens included.
  int64_t longest_sequence() const { return max_position_embeddings - position_offset; }
  // All dropout probabilities at once.
  void set_dropout(double p) { hidden_dropout = attention_dropout = classifier_dropout = p; }
  // What config.json of a classifier with these labels says: `raw` with the fields that this struct
  // sets.
  engine::Json to_json() const;
};

// Reads the JSON of a config.json; `where` names it in errors. Errors: an unknown model_type, a
// missing field, sizes that do not fit one another (heads that do not divide hidden_size), a
// position embedding that is not absolute.
ModelConfig config_from_json(const engine::Json& json, const std::string& where);

// "random:layers=4,hidden=256,heads=4,ffn=1024,vocab=8192,positions=512,embedding=256,type=bert,dropout=0.1":
// a fresh model. Defaults: type bert, layers 2, hidden 128, heads hidden / 64, ffn 4 hidden,
// positions 512, vocab `vocab_size` (the tokenizer's). Errors list the known options.
ModelConfig config_from_spec(std::string_view spec, int64_t vocab_size);

// Sets the number of classes and their names; 1 and no names for a regression.
void set_labels(ModelConfig& config, int num_labels, const std::vector<std::string>& names);

}  // namespace models
