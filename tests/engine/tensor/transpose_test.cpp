#include "engine/tensor/transpose.h"

#include <doctest/doctest.h>

#include <vector>

using namespace engine;

TEST_CASE("a transposed copy has every element in its place and writes nowhere else") {
  for (const int64_t rows : {1, 7, 8, 16, 33, 400})
    for (const int64_t cols : {1, 5, 16, 31, 64, 130})
      for (const int64_t extra : {0, 3}) {
        const int64_t in_stride = cols + extra, out_stride = rows + extra;
        std::vector<Scalar> in(static_cast<size_t>(rows * in_stride)),
            out(static_cast<size_t>(cols * out_stride), Scalar(-1));
        for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<Scalar>(i);
        transpose(in.data(), rows, cols, in_stride, out.data(), out_stride);
        CAPTURE(rows);
        CAPTURE(cols);
        for (int64_t c = 0; c < cols; ++c)
          for (int64_t r = 0; r < out_stride; ++r)
            REQUIRE(out[static_cast<size_t>(c * out_stride + r)] ==
                    (r < rows ? Scalar(r * in_stride + c) : Scalar(-1)));
      }
}
