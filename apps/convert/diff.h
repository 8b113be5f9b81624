// Two checkpoints side by side: names, shapes, types and values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/io/checkpoint.h"
#include "engine/io/json.h"

namespace apps {

// A tensor that both have.
struct TensorDifference {
  std::string name;
  std::vector<int64_t> shape_a, shape_b;
  std::string type_a, type_b;  // "BF16", "Q4_K"
  // Of tensors of one shape: values that differ, the largest |a - b|, and that over the largest
  // |a|. A number against one that is none (NaN) differs by infinity.
  int64_t values = 0;
  double largest = 0, relative = 0;

  bool same_shape() const { return shape_a == shape_b; }
  bool same_type() const { return type_a == type_b; }
  bool equal(bool ignore_dtype) const {
    return same_shape() && (ignore_dtype || same_type()) && values == 0;
  }
};

struct CheckpointDifference {
  std::vector<std::string> only_a, only_b;
  std::vector<TensorDifference> both;  // by name, also where nothing differs

  bool equal(bool ignore_dtype) const;
};

// Called with values compared so far and all of them; throws to stop.
using DiffWatcher = std::function<void(int64_t values, int64_t all)>;

CheckpointDifference compare_checkpoints(const engine::Checkpoint& a, const engine::Checkpoint& b,
                                         const DiffWatcher& watcher = {});

engine::Json difference_json(const CheckpointDifference& difference, const std::string& a,
                             const std::string& b, bool ignore_dtype);
// A row for each tensor that differs, and a line that counts; `width` columns, 0: any.
std::string difference_text(const CheckpointDifference& difference, bool ignore_dtype, int width);

// Exit code 0: equal, 1: different, 2: an error, as diff has them.
int diff_command(int argc, const char* const* argv);

}  // namespace apps
