// The tiny golden models with a strategy in them.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/philox.h"
#include "engine/io/checkpoint.h"
#include "engine/io/json.h"
#include "models/classifier.h"
#include "models/config.h"
#include "peft/strategy.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"

namespace testing {

using engine::Matrix;
using engine::Parameter;
using engine::Role;
using engine::Scalar;

inline const std::vector<std::string> kTypes = {"bert", "roberta", "electra", "distilbert"};
inline constexpr bool kDouble = sizeof(Scalar) == 8;

inline models::ModelConfig tiny_config(const std::string& type) {
  const auto path = golden("models/" + type + "/config.json");
  auto config = models::config_from_json(engine::json_file(path), path.string());
  config.set_dropout(0);
  return config;
}

// Every spec that the goldens have steps for.
inline std::vector<std::string> golden_specs() {
  std::vector<std::string> specs;
  for (const auto& entry : engine::json_file(golden("models/specs.json")))
    specs.push_back(entry.at("spec"));
  return specs;
}

inline engine::TokenBatch small_batch() {
  engine::TokenBatch batch;
  engine::Random random(7);
  for (const int length : {5, 1, 9}) {
    for (int i = 0; i < length; ++i) {
      batch.ids.push_back(static_cast<int32_t>(4 + random.below(60)));
      batch.types.push_back(0);
    }
    batch.segments.add(length);
    batch.labels.push_back(static_cast<double>(batch.labels.size() % 2));
  }
  return batch;
}

// A model that a strategy was applied to; with values unless `shapes_only`.
struct Subject {
  models::SequenceClassifier model;
  engine::Sites sites;
  std::unique_ptr<peft::Strategy> strategy;
  std::unique_ptr<engine::ParameterStore> store;
  engine::Workspace workspace;
  engine::TokenBatch batch = small_batch();

  Subject(const std::string& type, const std::string& spec, bool shapes_only = false)
      : model(tiny_config(type)), sites(model.sites()), strategy(peft::make_strategy(spec)) {
    peft::apply(*strategy, sites, model);
    store = std::make_unique<engine::ParameterStore>(model);
    if (shapes_only) return;
    store->allocate();
    engine::load_checkpoint(golden("models/" + type), *store);
    store->initialise(1);
  }

  // Injected values that are neither zero nor one, as after some training.
  void shake(double size = 0.3) {
    for (Parameter* p : store->all()) {
      if (p->role != Role::injected) continue;
      engine::Random random(engine::name_key(p->name));
      const double centre = p->init == engine::Init::ones ? 1 : 0;
      for (int64_t i = 0; i < p->count(); ++i)
        p->value[i] = static_cast<Scalar>(centre + size * random.normal());
    }
  }

  Matrix logits() {
    engine::GraphOptions options;
    options.record = false;
    engine::Graph g(workspace, options);
    return model.logits(g, batch).mat();
  }

  engine::Tensor loss(engine::Graph& g) { return model.loss(g, model.logits(g, batch), batch); }

  // One forward and backward pass.
  void backward() {
    store->clear_gradients();
    engine::Graph g(workspace);
    g.backward(loss(g));
    store->settle_gradients();
  }

  std::vector<std::string> trainable_names() const {
    std::vector<std::string> names;
    for (const Parameter* p : store->all())
      if (p->trainable) names.push_back(p->name);
    std::sort(names.begin(), names.end());
    return names;
  }
};

inline bool same_bits(const Matrix& a, const Matrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(Scalar)) == 0;
}

inline double difference(const Matrix& a, const Matrix& b) {
  return static_cast<double>((a - b).cwiseAbs().maxCoeff() / a.cwiseAbs().maxCoeff());
}

}  // namespace testing
