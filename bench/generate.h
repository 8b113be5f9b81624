// What one token costs a causal model that writes: milliseconds, and the share of the memory's
// bandwidth that reading the weights once comes to.
#pragma once

#include <string>

#include "engine/io/json.h"
#include "engine/nn/precision.h"

namespace bench {

struct WriteCase {
  std::string model;  // folder or random:...
  std::string strategy = "frozen";
  int batch = 1;    // sequences, each with one new token a step
  int prompt = 16;  // tokens before the first step
  int tokens = 32;  // steps that are timed
  int threads = 0;  // 0: all
  engine::Precision precision = engine::Precision::fp32;
  int rounds = 5;  // of copy and steps in turn; the median counts
};

struct WriteResult {
  int64_t weight_bytes = 0;  // that a step reads: all parameters but the rows that it looks up
  double token_ms = 0;       // of a step
  double copy_gbs = 0;       // of a copy in the same rounds, reads and writes counted
  double weights_gbs() const { return static_cast<double>(weight_bytes) / token_ms * 1e-6; }
  double share() const { return weights_gbs() / copy_gbs; }
  engine::Json to_json(const WriteCase& c) const;
};

WriteResult run_writing(const WriteCase& c);

}  // namespace bench
