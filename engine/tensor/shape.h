// Every tensor is a matrix: rows are tokens (of all sequences of the packed batch), columns are
// features.
#pragma once

#include <cstdint>
#include <ostream>

namespace engine {

#ifdef PEFT_SCALAR_DOUBLE
// The tests' second build: gradients are checked by central differences at 1e-7.
using Scalar = double;
#else
using Scalar = float;
#endif

struct Shape {
  int64_t rows = 0, cols = 0;
  int64_t size() const { return rows * cols; }
  friend bool operator==(const Shape&, const Shape&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Shape& s) {
    return out << '(' << s.rows << ", " << s.cols << ')';
  }
};

}  // namespace engine
