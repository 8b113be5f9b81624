// A model's configuration: a config.json, or what "random:..." stands for; and the task's labels,
// which Hugging Face keeps in the same file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/json.h"
#include "models/model.h"

namespace models {

struct ModelConfig {
  Facts facts;        // of the model that `json` describes
  engine::Json json;  // by the family's keys; what make_model() reads
  engine::Json raw;   // the file as it was read; null for a random model
  std::string where;  // names the file in errors

  int num_labels = 2;               // 1: regression
  std::vector<std::string> labels;  // id2label, in order of id; empty: they have no names

  // The longest sequence, special tokens included.
  int64_t longest_sequence() const { return facts.longest; }
  // All dropout probabilities at once.
  HeadKind head = HeadKind::classification;  // or token_classification, language_model
  bool multi_label = false;                  // problem_type: any number of the classes for a text
  void set_dropout(double p);
  // The config.json of a classifier with these labels: `json` with every default written
  // out. What no family knows stays.
  engine::Json to_json() const;
};

// Reads the JSON of a config.json; `where` names it in errors. Errors: an unknown model_type, a
// missing field, sizes that do not fit one another, a setting that is not supported, and one that
// the family does not know and that might change a result.
ModelConfig config_from_json(const engine::Json& json, const std::string& where);

// "random:layers=4,hidden=256,heads=4,ffn=1024,vocab=8192,positions=512,embedding=256,type=bert,"
// "dropout=0.1": a fresh model. Defaults: type bert, layers 2, hidden 128, heads hidden / 64,
// kv_heads heads, ffn 4 hidden, positions 512, vocab `vocab_size` (the tokenizer's). Errors list
// the known options.
ModelConfig config_from_spec(std::string_view spec, int64_t vocab_size);

// Sets the number of classes and their names; 1 and no names for a regression.
void set_labels(ModelConfig& config, int num_labels, const std::vector<std::string>& names);

}  // namespace models
