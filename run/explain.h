// What a strategy does to a model: what it adds, what learns, and one block of each kind, read from
// the model that it was applied to and from a dry run of its forward pass.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "peft/count.h"
#include "run/plan.h"

namespace run {

struct ExplainedParameter {
  std::string name;  // in its module: "weight", "lora_A.weight"
  engine::Shape shape;
  bool added = false, learns = false;
};

// An op of the forward pass, with the parameters that it reads.
struct ExplainedOp {
  std::string op, module;  // module: below the block's own name
  std::vector<ExplainedParameter> parameters;
  bool added = false;  // all its parameters are the strategy's
  std::vector<std::string>
      from;  // what it reads beside the op before: "the block's input", a module
};

// Blocks in which the same ops read parameters that learn alike.
struct ExplainedBlock {
  std::string frame;              // "bert.encoder.layer.0"
  std::vector<std::string> like;  // frames of the others
  std::vector<ExplainedOp> ops;
  bool learns = false;  // something in it
};

// Parameters that learn, those of different layers together.
struct ExplainedGroup {
  std::string name;  // "bert.encoder.layer.*.attention.self.query.bias"
  int64_t tensors = 0, scalars = 0;
  engine::Shape shape;  // of each
  bool added = false;
};

struct Explained {
  std::string model_type, spec;
  engine::Json options;  // of the strategy, with what a default stood for in this model
  int layers = 0;
  peft::Count count;
  std::vector<ExplainedGroup> groups;
  std::vector<ExplainedBlock> blocks;
  std::vector<ExplainedOp> outside;  // ops in no block that read something that learns
};

// Throws engine::Error as make_plan.
Explained explain(const engine::Json& config, std::string_view strategy, int num_labels,
                  const std::string& where = "config.json");

}  // namespace run
