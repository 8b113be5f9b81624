// BERT (Devlin et al. 2019), and what RoBERTa and ELECTRA share with it: one model, told apart by
// settings and names.
//
//   x = embeddings(ids);  q, k, v = x W^T + b;  x = LN(x + drop(attention(q, k, v) Wo^T + bo));
//   x = LN(x + drop(act(x W1^T + b1) W2^T + b2));  and so on, layer by layer (post-LN)
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/blocks.h"
#include "models/config_reader.h"
#include "models/model.h"
#include "models/registry.h"

namespace models {

struct BertConfig {
  std::string where;  // names the config.json in errors
  std::string model_type;
  std::string base;  // before every name of the encoder: "bert"
  int layers, heads;
  int64_t hidden, ffn, embedding;
  int64_t vocab, positions, types;
  int64_t position_offset = 0;  // RoBERTa: pad_token_id + 1
  engine::Activation act;
  double eps, hidden_dropout, attention_dropout, classifier_dropout, init_std;
  bool tied = true;  // the output layer of masked language modelling is the table of words

  // The keys that these families have in common; `base` and the offset are left to the caller.
  explicit BertConfig(ConfigReader& in);
};

// The config.json of a fresh model, by these families' keys.
engine::Json bert_config_json(const RandomSpec& spec);
extern const std::vector<std::string> kBertDropouts;

struct BertLayer : engine::Module {
  using Linear = engine::Linear;
  using Role = engine::Role;

  // `config` must outlive the layer.
  BertLayer(engine::Module& parent, std::string name, const BertConfig& config, int number)
      : Module(parent, std::move(name)), c(config), layer(number) {}
  // x (tokens, hidden) -> (tokens, hidden), or (rows, hidden) at rows.only.
  engine::Tensor operator()(engine::Graph& g, const engine::Tensor& x, const Rows& rows);

  const BertConfig& c;
  const int layer;
  Linear query{*this, "attention.self.query", c.hidden, c.hidden, Role::query, layer};
  Linear key{*this, "attention.self.key", c.hidden, c.hidden, Role::key, layer};
  Linear value{*this, "attention.self.value", c.hidden, c.hidden, Role::value, layer};
  engine::KvPoint front{*this, c.hidden, layer};
  Linear output{*this, "attention.output.dense", c.hidden, c.hidden, Role::attention_output, layer};
  engine::LayerNorm attention_norm{*this, "attention.output.LayerNorm", c.hidden,
                                   c.eps, Role::attention_norm,         layer};
  engine::HookPoint after_attention{*this, "attention.output", c.hidden,
                                    engine::Point::after_attention, layer};
  Linear ffn_in{*this, "intermediate.dense", c.hidden, c.ffn, Role::ffn_in, layer};
  Linear ffn_out{*this, "output.dense", c.ffn, c.hidden, Role::ffn_out, layer};
  engine::LayerNorm ffn_norm{*this, "output.LayerNorm", c.hidden, c.eps, Role::ffn_norm, layer};
  engine::HookPoint after_ffn{*this, "output", c.hidden, engine::Point::after_ffn, layer};
};

class BertModel : public Model {
 public:
  BertModel(BertConfig config, engine::Json json);

  const Facts& facts() const override { return facts_; }
  engine::Tensor forward(engine::Graph& g, const engine::Batch& batch, const Ask& ask) override;
  engine::Embedding& words() override { return embeddings.words; }
  HeadNames names(HeadKind kind) const override;
  engine::Json to_json() const override { return json_; }

  const BertConfig config;

 private:
  Facts facts_;
  engine::Json json_;
  engine::Module base_;

 public:
  TokenEmbeddings embeddings;
  std::unique_ptr<engine::Linear> projection;  // where `embedding` differs from `hidden`
  std::vector<std::unique_ptr<BertLayer>> layers;
};

}  // namespace models
