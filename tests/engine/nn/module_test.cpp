#include "engine/nn/module.h"

#include <doctest/doctest.h>

#include "engine/base/error.h"
#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "engine/nn/parameter_store.h"

using namespace engine;

namespace {

struct Block : Module {
  explicit Block(int layer)
      : dense(3, 4, Role::ffn_in, layer), norm(4, 1e-5, Role::ffn_norm, layer) {
    declare(dense, "output.dense");  // a name may hold dots
    declare(norm, "output.LayerNorm");
  }
  Linear dense;
  LayerNorm norm;
};

struct Net : Module {
  Net() {
    declare(table, "word_embeddings.weight", {7, 3}, Role::embedding, -1);
    declare(first, "layer.0");
    declare(second, "layer.1");
    declare(head, "classifier");
  }
  Parameter table;
  Block first{0}, second{1};
  Linear head{4, 2, Role::head, 2, false};
};

std::vector<std::string> names(Module& m, const std::string& prefix = "") {
  std::vector<std::string> result;
  m.visit([&](Parameter& p) { result.push_back(p.name); }, prefix);
  return result;
}

}  // namespace

TEST_CASE("names are the path, in order of declaration") {
  Net net;
  CHECK(names(net) ==
        std::vector<std::string>{"word_embeddings.weight", "layer.0.output.dense.weight",
                                 "layer.0.output.dense.bias", "layer.0.output.LayerNorm.weight",
                                 "layer.0.output.LayerNorm.bias", "layer.1.output.dense.weight",
                                 "layer.1.output.dense.bias", "layer.1.output.LayerNorm.weight",
                                 "layer.1.output.LayerNorm.bias", "classifier.weight"});
  CHECK(names(net.first, "bert.")[0] == "bert.output.dense.weight");
}

TEST_CASE("what a module says of its parameters") {
  Net net;
  const ParameterStore store(net);
  const auto at = [&](const char* name) { return store.find(name); };
  const Parameter& w = *at("layer.1.output.dense.weight");
  CHECK(w.shape == Shape{4, 3});
  CHECK(w.dims == std::vector<int64_t>{4, 3});
  CHECK(w.layer == 1);
  CHECK(w.role == Role::ffn_in);
  CHECK(w.init == Init::normal);
  CHECK(w.required);
  CHECK(w.decays());
  const Parameter& b = *at("layer.1.output.dense.bias");
  CHECK(b.shape == Shape{1, 4});
  CHECK(b.dims == std::vector<int64_t>{4});
  CHECK(b.bias);
  CHECK(b.init == Init::zeros);
  CHECK_FALSE(b.decays());
  const Parameter& scale = *at("layer.0.output.LayerNorm.weight");
  CHECK(scale.norm);
  CHECK_FALSE(scale.bias);
  CHECK(scale.init == Init::ones);
  CHECK_FALSE(scale.decays());
  const Parameter& shift = *at("layer.0.output.LayerNorm.bias");
  CHECK(shift.norm);
  CHECK(shift.bias);
  CHECK_FALSE(at("classifier.weight")->required);  // a head may start fresh
  CHECK(at("no.such.name") == nullptr);
  CHECK(std::string(role_name(Role::attention_output)) == "attention_output");
  CHECK(std::string(role_name(Role::injected)) == "injected");
}

TEST_CASE("every tensor is a matrix") {
  struct Cube : Module {
    Cube() { declare(p, "p", {2, 3, 4}, Role::injected, 0); }
    Parameter p;
  };
  CHECK_THROWS_WITH_AS(Cube(), "module: parameter p has 3 dimensions; every tensor is a matrix",
                       Error);
}

TEST_CASE("what is adopted comes after a module's own") {
  struct Extra : Module {
    Extra() { declare(p, "p", {2}, Role::injected, 0); }
    Parameter p;
  } extra, nameless;
  Net net;
  net.first.adopt(extra, "adapter");
  net.first.adopt(nameless, "");
  const auto all = names(net.first);
  CHECK(all[all.size() - 2] == "adapter.p");
  CHECK(all.back() == "p");
}
