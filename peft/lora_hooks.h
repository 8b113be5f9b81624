// What LoRA adds to one layer: beside a linear layer (with DoRA's magnitudes, if wanted), and
// beside a table of rows.
#pragma once

#include "engine/nn/embedding.h"
#include "engine/nn/linear.h"
#include "engine/nn/parameter_store.h"

namespace peft {

struct LoraNumbers {
  int64_t r;
  double alpha, dropout;
  bool rslora, dora;

  double scale() const;  // alpha / r, or alpha / sqrt(r) with rslora
};

class LoraHook : public engine::LinearHook {
 public:
  LoraHook(const engine::LinearSite& site, const LoraNumbers& numbers);

  engine::Tensor output(engine::Graph& g, const engine::Tensor& x, engine::Tensor y) override;
  bool low_rank(engine::Graph& g, const engine::Tensor& x, engine::Tensor& u,
                engine::Tensor& v) override;
  // Adds the update to rows of the layer's weight, and is neutral afterwards.
  void fold(engine::ParameterStore& store);

  const LoraNumbers numbers;
  engine::Parameter a, b;       // (r, in), (out, r)
  engine::Parameter magnitude;  // (1, out), DoRA's; no shape without it

 private:
  engine::Tensor magnified(engine::Graph& g, const engine::Tensor& x, engine::Tensor y);

  engine::Linear& linear_;
  int64_t begin_;  // the columns of the layer's output that it adds to
  bool part_;      // not all of them
};

// y + scale A^T[ids] B^T. Names and shapes are PEFT's, which keeps A as (r, entries); in memory it
// is (entries, r), a table of rows.
class LoraEmbeddingHook : public engine::EmbeddingHook {
 public:
  LoraEmbeddingHook(const engine::EmbeddingSite& site, const LoraNumbers& numbers);

  engine::Tensor output(engine::Graph& g, const int32_t* ids, engine::Tensor y) override;
  void fold(engine::ParameterStore& store);

  const LoraNumbers numbers;
  engine::Parameter a, b;  // (entries, r), (width, r)

 private:
  engine::Embedding& table_;
};

}  // namespace peft
