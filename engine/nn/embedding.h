// A table of rows with Hugging Face's name "weight" (entries, width).
#pragma once

#include "engine/nn/module.h"
#include "engine/ops/embedding.h"

namespace engine {

class Embedding : public Module {
 public:
  Embedding(Module& parent, std::string name, int64_t entries, int64_t width, Place place = -1)
      : Module(parent, std::move(name)) {
    declare(weight, "weight", {entries, width}, Role::embedding, place);
  }

  int64_t entries() const { return weight.shape.rows; }
  int64_t width() const { return weight.shape.cols; }

  Parameter weight;
};

}  // namespace engine
