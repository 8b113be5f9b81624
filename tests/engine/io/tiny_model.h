// A model that is nothing but parameters, with the names, roles and flags that loading looks at.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/nn/parameter_store.h"
#include "tests/support/paths.h"

namespace testing {

using engine::Init;
using engine::Parameter;
using engine::ParameterStore;
using engine::Role;
using engine::Scalar;

class TinyModel : public engine::Module {
 public:
  Parameter& add(const std::string& name, std::vector<int64_t> dims, Role role = Role::query) {
    owned_.push_back(std::make_unique<Parameter>());
    Parameter& p = *owned_.back();
    declare(p, name, std::move(dims), role, 0);
    p.bias = name.ends_with("bias");
    p.norm = name.find("LayerNorm") != std::string::npos;
    return p;
  }

 private:
  std::vector<std::unique_ptr<Parameter>> owned_;
};

// prefix is "bert." or nothing. Two classes; everything frozen but the head and the query's bias.
struct TinyBert {
  TinyModel model;
  std::unique_ptr<ParameterStore> store;

  explicit TinyBert(const std::string& prefix = "bert.", int64_t classes = 2,
                    bool train_all = false) {
    model.add(prefix + "embeddings.word_embeddings.weight", {5, 4}, Role::embedding);
    model.add(prefix + "embeddings.LayerNorm.weight", {4}, Role::embedding_norm);
    model.add(prefix + "embeddings.LayerNorm.bias", {4}, Role::embedding_norm);
    model.add(prefix + "encoder.layer.0.attention.self.query.weight", {4, 4});
    model.add(prefix + "encoder.layer.0.attention.self.query.bias", {4}).trainable = true;
    model.add("classifier.weight", {classes, 4}, Role::head).trainable = true;
    model.add("classifier.bias", {classes}, Role::head).trainable = true;
    store = std::make_unique<ParameterStore>(model);
    if (train_all)
      for (Parameter* p : store->all()) p->trainable = true;
    store->allocate();
  }
  Parameter& operator[](const std::string& name) const {
    Parameter* p = store->find(name);
    REQUIRE_MESSAGE(p, name);
    return *p;
  }
};

inline std::vector<Scalar> values_of(const Parameter& p) { return {p.value, p.value + p.count()}; }

// 100 k, 100 k + 1, ...: tells parameters and elements apart, and is exact in 16 bits for small k.
inline std::vector<Scalar> counted(int64_t n, int64_t k) {
  std::vector<Scalar> v;
  for (int64_t i = 0; i < n; ++i) v.push_back(static_cast<Scalar>(100 * k + i));
  return v;
}

}  // namespace testing
