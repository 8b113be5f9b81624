// A model with its strategy applied, walked by shape: what the forward pass of models/ does, on a
// tape of shapes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/plan/ops.h"
#include "engine/io/json.h"
#include "engine/nn/hooks.h"
#include "models/classifier.h"
#include "models/planned.h"
#include "peft/strategy.h"

namespace apps::sym {

// Everything that a walk needs to know of a model, by role and layer; filled from the model's sites
// and parameters. Hooks are told apart by the names of their parameters, which are Hugging Face's.
class Parts {
 public:
  // Throws engine::Error for a hook that it does not know: a new strategy needs its line here.
  Parts(engine::Module& root, const engine::Sites& sites, const peft::Strategy& strategy);

  // The linear layer number `index` of this role and layer, with its hooks.
  Value linear(Tape& t, engine::Role role, int layer, const Value& x, size_t index = 0) const;
  Value linear(Tape& t, engine::Role role, int layer, const Value& x, engine::Activation act,
               size_t index = 0) const;
  Value norm(Tape& t, engine::Role role, int layer, const Value& x) const;
  // LN(residual + dropout(h)), with what strategies put in between at this point.
  Value finish(Tape& t, engine::Point point, int layer, Value h, const Value& residual,
               double dropout) const;
  Value point_hooks(Tape& t, engine::Point point, int layer, Value h, const Value& residual) const;
  bool has_point_hooks(engine::Point point, int layer) const {
    return points_.contains({point, layer});
  }
  std::vector<Value> tables(Tape& t) const;  // the embedding tables, in order of declaration
  const engine::Parameter& parameter(engine::Role role, int layer) const;
  bool has_linear(engine::Role role, int layer) const { return linears_.contains({role, layer}); }

  // The keys and values in front of layer `layer`; two values that do not exist when there is no
  // prefix.
  struct KeyValue {
    Value key, value;
  };
  KeyValue prefix(Tape& t, int layer);

 private:
  struct Hook {
    enum class Kind { lora, ia3_input, ia3_output } kind;
    const engine::Parameter *a = nullptr, *b = nullptr;
  };
  struct Layer {
    const engine::Parameter *weight = nullptr, *bias = nullptr;
    std::vector<Hook> hooks;
  };
  struct Bottleneck {
    Layer down, up;
  };
  const Layer& layer(engine::Role role, int layer, size_t index) const;
  Value apply(Tape& t, const Layer& layer, const Value& x) const;
  Value apply(Tape& t, const Layer& layer, const Value& x, engine::Activation act) const;
  void read_hooks(engine::Linear& linear, Layer& into) const;

  std::map<std::pair<engine::Role, int>, std::vector<Layer>> linears_;
  std::map<std::pair<engine::Role, int>, Layer> norms_;
  std::map<std::pair<engine::Point, int>, std::vector<Bottleneck>> points_;
  std::vector<const engine::Parameter*> tables_;
  // A prefix: a flat table, or an embedding and two layers.
  const engine::Parameter *prompt_ = nullptr, *embedding_ = nullptr;
  Layer first_, second_;
  Value table_;
  int layers_ = 0;
  int64_t width_ = 0;
  std::string adapter_kind_;
  engine::Activation adapter_act_ = engine::Activation::gelu;
  bool lora_dropout_ = false;
};

// A whole training step: forward to the loss, and backward.
void step(Tape& t, const models::ModelConfig& config, Parts& parts, const Packed& packed);
// The same for LlamaForCausalLM, with the loss on every token.
void step_llama(Tape& t, const engine::Sites& sites, Parts& parts, const Packed& packed);

}  // namespace apps::sym
