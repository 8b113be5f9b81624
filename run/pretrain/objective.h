// What is learned: masked language modelling, replaced-token detection, causal language modelling
// or denoising, behind one interface.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/tokenizer.h"
#include "engine/base/token_batch.h"
#include "engine/nn/parameter_store.h"
#include "models/config.h"
#include "run/pretrain/settings.h"

namespace run {

// Sums over the predictions of some batches.
struct Score {
  double loss = 0, correct = 0, count = 0;

  void add(double mean_loss, int64_t hits, int64_t n) {
    loss += mean_loss * static_cast<double>(n);
    correct += static_cast<double>(hits);
    count += static_cast<double>(n);
  }
  void add(const Score& other) {
    loss += other.loss;
    correct += other.correct;
    count += other.count;
  }
  double mean() const { return count > 0 ? loss / count : 0; }
  double accuracy() const { return count > 0 ? correct / count : 0; }
};

class Objective {
 public:
  virtual ~Objective() = default;
  virtual engine::Module& module() = 0;
  // What the scores are of, the main one first: {"mlm"}, {"rtd", "generator"}.
  virtual const std::vector<std::string>& parts() const = 0;
  // Hides what is to be guessed in a batch of the corpus: a function of (seed, number). The loss
  // that is asked for next is of this batch.
  virtual void pose(engine::TokenBatch& batch, uint64_t seed, uint64_t number) {}
  // What a part of an update weighs beside the others.
  virtual double weight(const engine::TokenBatch& batch) const { return 1; }
  // The loss of a posed batch; adds to `scores` (one a part).
  // `key` is for what is drawn.
  virtual engine::Tensor loss(engine::Graph& g, const engine::TokenBatch& batch, uint64_t key,
                              std::vector<Score>& scores) = 0;
  // Writes config.json and model.safetensors (F16) as Hugging Face reads them.
  virtual void save(const std::filesystem::path& folder,
                    const engine::ParameterStore& store) const = 0;
};

std::unique_ptr<Objective> make_objective(const PretrainSettings& settings,
                                          models::ModelConfig config,
                                          const data::Tokenizer& tokenizer);

}  // namespace run
