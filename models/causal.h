// What a step of a causal model knows of positions: those of its tokens, behind a prefix and behind
// what a cache holds.
#pragma once

#include <optional>
#include <span>

#include "models/blocks.h"
#include "models/config_reader.h"
#include "models/model.h"

namespace models {

// The dropout before a head for tokens: a config says it only where it is not 0.1.
double token_head_dropout(ConfigReader& in);

// The positions that a prefix or a prompt takes in front of a text.
int64_t positions_in_front(const engine::Sites& sites);

class CausalStep {
 public:
  // Makes room in ask.cache. A prefix takes the first positions, as in PEFT: the text begins behind
  // it; an infix takes those behind x (models/infix.h). Throws for a sequence that ends behind
  // `longest`, for a cache that does not fit the batch or in a graph that records. All must outlive
  // the step. The tokens are those of the output, where the batch has one.
  CausalStep(engine::Graph& g, const engine::Batch& batch, const Ask& ask,
             const engine::KvPoint& front, int64_t longest);

  std::span<const int32_t> positions() const { return positions_; }    // (tokens)
  std::span<const int32_t> asked_positions() const { return asked_; }  // (ask.rows)

  // The batch as a layer sees it.
  Rows rows(int layer, bool last) const {
    return {segments_,  last ? ask_.rows : nullptr, ask_.cache, layer,
            continued_, infix_ ? &*infix_ : nullptr};
  }
  // After the last layer: the cache has grown.
  void finish() const;

 private:
  const engine::Segments& segments_;
  const Ask& ask_;
  std::span<const int32_t> positions_, asked_;
  std::optional<InfixRows> infix_;
  bool continued_;
};

}  // namespace models
