// --precision and --weights of the commands that open a model (engine/nn/precision.h).
#pragma once

#include <cxxopts.hpp>
#include <string>

#include "engine/nn/precision.h"

namespace apps {

// Must outlive the parsing.
struct PrecisionFlags {
  std::string precision = "fp32", weights = "fp32";

  void add_to(cxxopts::Options& options) {
    auto add = options.add_options();
    add("precision", "fp32, or bf16: products with weights multiply BF16 values (fp32)",
        cxxopts::value<std::string>(precision), "NAME");
    add("weights", "fp32, or bf16: frozen weights are held in half the memory (fp32)",
        cxxopts::value<std::string>(weights), "NAME");
  }
  engine::Precision chosen() const { return engine::parse_precision(precision, weights); }
  // For the models that are opened from now on; throws where this processor cannot.
  void use() const {
    engine::check_precision(chosen());
    engine::set_precision(chosen());
  }
};

}  // namespace apps
