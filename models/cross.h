// Attention of a decoder to its encoder: queries of the output, keys and values of the source.
#pragma once

#include <memory>
#include <vector>

#include "models/blocks.h"
#include "models/model.h"

namespace models {

// Keys and values of some sources in every decoder layer, for generation: the encoder runs once.
// Sequences that read one source (its beams) stand side by side in a batch.
class CrossMemory {
 public:
  CrossMemory() = default;
  CrossMemory(const CrossMemory&) = delete;
  CrossMemory& operator=(const CrossMemory&) = delete;

  bool empty() const { return layers_.empty(); }
  // For an output of each source; then keep() of every layer, in order.
  void begin(const engine::Segments& sources);
  void keep(const engine::KeyValue& own, const engine::KeyValue& front);

  const engine::Segments& sources() const { return sources_; }
  // Off the tape: a layer's keys and values of the sources, and those of a prefix.
  engine::KeyValue own(int layer) const;
  engine::KeyValue front(int layer) const;

  // Sequence i becomes a continuation of what sequence parents[i] was.
  void reorder(const std::vector<int>& parents);
  // How many rows of a step belong to each source; `rows`: those of each sequence.
  engine::Segments by_source(const engine::Segments& rows) const;

 private:
  struct Layer {
    engine::Matrix key, value, front_key, front_value;
  };
  engine::Segments sources_;
  std::vector<int> source_;  // (sequences) ascending
  std::vector<std::unique_ptr<Layer>> layers_;
};

// What a decoder layer sees of the encoder in one step.
class Sources {
 public:
  // `states` (source tokens, hidden): the encoder's result; empty where ask.sources knows it. All
  // must outlive the step.
  Sources(engine::Tensor states, const engine::Batch& batch, const Ask& ask);

  // (rows, width of q): every row of q sees all tokens of its source, and `front` before them.
  // `rows`: as the layer's self-attention has them.
  engine::Tensor attend(engine::Graph& g, const engine::Tensor& q, engine::Linear& key,
                        engine::Linear& value, const Rows& rows,
                        const engine::AttentionOptions& options, engine::KvPoint& front) const;

 private:
  engine::Tensor states_;
  const engine::Segments& segments_;
  CrossMemory* memory_;
  bool known_;                    // the memory has the keys and values already
  engine::Segments all_, asked_;  // rows of q of each source: of all rows, and of ask.rows
};

// Throws unless the batch has an output for each of its sequences, or ask.sources knows them.
void check_outputs(const engine::Batch& batch, const Ask& ask, const Facts& facts);

}  // namespace models
