// The encoder of BERT (Devlin et al. 2019) and its family: embeddings, then post-LN transformer
// layers, on packed batches.
//
//   q, k, v = x W^T + b;  a = attention(q, k, v);  x = LN(x + drop(a Wo^T + bo));  x = LN(x +
//   drop(act(x W1^T + b1) W2^T + b2))
//
// RoBERTa differs in its positions (they begin at pad_token_id + 1), ELECTRA in a projection from
// the embedding size, DistilBERT in names, in having no token types and no dropout after attention.
#pragma once

#include <memory>
#include <vector>

#include "engine/base/token_batch.h"
#include "engine/nn/embedding.h"
#include "engine/nn/hooks.h"
#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "models/config.h"
#include "models/names.h"

namespace models {

class Embeddings : public engine::Module {
 public:
  Embeddings(engine::Module& parent, const ModelConfig& config);
  // (tokens, embedding_size), normalised and dropped out. Errors: a sequence longer than the
  // position table.
  engine::Tensor operator()(engine::Graph& g, const engine::TokenBatch& batch);

  engine::Embedding word, position;
  std::unique_ptr<engine::Embedding> type;  // none in DistilBERT
  engine::LayerNorm norm;

 private:
  const ModelConfig& config_;
  std::vector<int32_t> positions_, types_;  // of the batch in flight; backward reads them
};

class EncoderLayer : public engine::Module {
 public:
  EncoderLayer(engine::Module& parent, std::string name, const ModelConfig& config, int layer);
  // x (tokens, hidden) -> (tokens, hidden), or, given `rows`, (rows, hidden): keys and values of
  // all tokens, everything else of the chosen ones. `segments` and `rows` must live until backward.
  engine::Tensor operator()(engine::Graph& g, const engine::Tensor& x,
                            const engine::Segments& segments,
                            const engine::RowChoice* rows = nullptr);

  engine::Linear query, key, value, attention_output;
  engine::LayerNorm attention_norm;
  engine::HookPoint after_attention;
  engine::Linear ffn_in, ffn_out;
  engine::LayerNorm ffn_norm;
  engine::HookPoint after_ffn;
  engine::KvPoint front;

 private:
  // LN(residual + drop(h)) with what strategies put between dropout and sum.
  engine::Tensor finish(engine::Graph& g, engine::Tensor h, const engine::Tensor& residual,
                        engine::LayerNorm& norm, double dropout, engine::HookPoint& point);

  const ModelConfig& config_;
};

class Encoder : public engine::Module {
 public:
  Encoder(engine::Module& parent, std::string name, const ModelConfig& config);
  // (tokens, hidden) of the last layer, or (rows, hidden) of it at `rows`: the same values there
  // (as long as dropout is off: its masks are drawn for fewer rows) for less work, 42 % less where
  // there are two layers and one row a sequence. The batch and the rows must live until backward.
  engine::Tensor operator()(engine::Graph& g, const engine::TokenBatch& batch,
                            const engine::RowChoice* rows = nullptr);

  Embeddings embeddings;
  std::unique_ptr<engine::Linear> projection;  // ELECTRA, when embedding_size != hidden_size
  std::vector<std::unique_ptr<EncoderLayer>> layers;

 private:
  const ModelConfig& config_;
};

}  // namespace models
