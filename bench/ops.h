// One op, forward and backward, against what the machine could do: products against the FMA peak,
// bytes against the bandwidth.
#pragma once

#include <string>
#include <vector>

#include "engine/io/json.h"

namespace bench {

// One direction of an op.
struct OpPart {
  double ms = 0;     // median
  double flops = 0;  // of its matrix products, as counted
  double bytes = 0;  // that it has to move at least: what it reads and what it writes, each once
  double bound_ms =
      0;  // the larger of flops / peak and bytes / bandwidth (of a triad of that size)

  double gflops() const { return flops / (ms * 1e6); }
  double gbs() const { return bytes / (ms * 1e6); }
  double share() const {
    return ms > 0 ? bound_ms / ms : 0;
  }  // of the bound, 1: no faster is possible
};

struct OpTime {
  std::string model, name;
  OpPart forward, backward;  // backward.ms is 0 where there is none
  engine::Json to_json() const;
};

struct OpBench {
  int threads = 0;       // 0: all
  double seconds = 0.1;  // of each op, about
  std::string filter;    // a part of the name, of the op or of the model
  int batch = 0;         // sequences of 128; 0: 32, of the base shape 8
};

// Ops at the sizes of a model of bench/shapes.h, from the table that the op tests are made of
// (tests/engine/ops/catalogue.h), with all inputs wanting a gradient; linear layers once more with
// a frozen weight; and the optimizer's passes over all parameters.
std::vector<OpTime> bench_ops(const std::string& model, const OpBench& options);

}  // namespace bench
