// A model with a strategy and values, ready for steps; and the goldens' batches and ways of
// comparing.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/philox.h"
#include "engine/train/trainer.h"
#include "models/pretrained.h"
#include "peft/strategy.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"

namespace testing {

using engine::Json;
using engine::Matrix;
using engine::Scalar;

inline constexpr bool kDouble = sizeof(Scalar) == 8;
// Goldens are computed in float64 from float32 weights.
inline constexpr double kClose = kDouble ? 1e-9 : 1e-5;

inline const std::vector<std::string> kModels = {"bert", "roberta", "electra", "distilbert"};
// Of which tests that are not about the goldens take one each.
inline const std::vector<std::string> kStrategies = {
    "full",
    "frozen",
    "top:layers=1",
    "bitfit",
    "lora:r=4,alpha=8",
    "adapter:kind=houlsby,size=8",
    "adapter:kind=pfeiffer,size=8",
    "adapter:kind=parallel,size=8",
    "prefix:length=5,flat=true",
    "prefix:length=5,flat=false,hidden=16",
    "ia3",
    "ia3:roles=query+key+value+attention_output+ffn_in+ffn_out",
    "lora:r=4,alpha=8,roles=query+key+value+attention_output+ffn_in+ffn_out",
    "lora:r=4,alpha=8+bitfit"};

inline std::filesystem::path model_folder(const std::string& name) {
  return golden("models/" + name);
}
inline Json golden_json(const std::string& model, const std::string& file) {
  return engine::json_file(model_folder(model) / file);
}

// The batches of a batch.json. Variants of bert use bert's.
std::vector<engine::TokenBatch> golden_batches(const std::string& model);
// One row of "bitfit" / "lora-r-4-alpha-8" for "bitfit" / "lora:r=4,alpha=8" of specs.json.
std::string slug(const std::string& spec);
// The sequences of `batch` in this order.
engine::TokenBatch pick(const engine::TokenBatch& batch, const std::vector<int>& sequences);
// `sequences` of `length` random ids below `vocab`, with labels below `classes`.
engine::TokenBatch random_batch(int sequences, int length, int vocab, int classes,
                                uint64_t seed = 1);

// |a - b|, relative where b is above 1.
inline double distance(double a, double b) { return std::abs(a - b) / std::max(1.0, std::abs(b)); }
double distance(const Matrix& a, const Json& rows);
double distance(const Matrix& a, const Matrix& b);
bool same_bits(const Matrix& a, const Matrix& b);

struct SubjectOptions {
  uint64_t seed = 1;
  int num_labels = 0;  // 0: as in config.json
  double dropout = 0;  // where it is switched on
  bool allow_head_mismatch = false;
  bool golden_init = false;  // injected values from init/<slug>.safetensors instead of neutral ones
};

class Subject {
 public:
  // `source`: a golden's name ("bert"), a folder or "random:...".
  explicit Subject(const std::string& source, const std::string& spec = "full",
                   const SubjectOptions& options = {});

  // Without recording and dropout.
  Matrix logits(const engine::TokenBatch& batch);
  Matrix hidden(const engine::TokenBatch& batch);
  double loss(const engine::TokenBatch& batch);
  // What a Trainer minimises.
  engine::Trainer::Loss training_loss() {
    return [this](engine::Graph& g, const engine::TokenBatch& batch) {
      return model->loss(g, model->logits(g, batch), batch);
    };
  }
  // Forward and backward; gradients are settled. Returns the loss.
  double backward(const engine::TokenBatch& batch, const engine::GraphOptions& options = {});
  // Bytes of all values, trainable or not, in order of declaration.
  std::vector<std::vector<Scalar>> values() const;
  std::vector<Scalar> gradients() const {
    return {store->block().grad, store->block().grad + store->block().size};
  }
  engine::Parameter& at(const std::string& name) const;
  // The gradient of a parameter; zeros if nothing wrote it.
  Matrix gradient(const std::string& name) const;

  engine::Workspace workspace;  // first: outlives every tensor
  models::ModelSource source;
  std::unique_ptr<models::SequenceClassifier> model;
  std::unique_ptr<peft::Strategy> strategy;
  engine::Sites sites;
  std::unique_ptr<engine::ParameterStore> store;
  engine::LoadReport report;
};

// The largest of many distances, said once at the end of a case (PEFT_TEST_ERRORS=1) and not a
// million times.
class Worst {
 public:
  explicit Worst(std::string what) : what_(std::move(what)) {}
  ~Worst() {
    if (std::getenv("PEFT_TEST_ERRORS")) std::printf("%-60s %.2e\n", what_.c_str(), value);
  }
  void take(double distance) {
    value = std::isnan(distance) ? distance : std::max(value, distance);
  }
  double value = 0;

 private:
  std::string what_;
};

}  // namespace testing
