// Sums, scales, rows and columns: the small ops between the big ones.
#pragma once

#include <vector>

#include "engine/autograd/graph.h"
#include "engine/base/token_batch.h"

namespace engine {

// a + b, same shapes. `a` is written over if it was given away.
Tensor add(Graph& g, Tensor a, const Tensor& b);
// c x.
Tensor scale(Graph& g, Tensor x, Scalar c);
// y[r, j] = x[r, j] l[j]: IA3 (Liu et al. 2022).   l has d = x.cols() values, as (1, d) or (d, 1).
Tensor column_scale(Graph& g, const Tensor& x, const Tensor& l);
// y[i] = x[rows[i]]: the tokens that a head reads. Rows may repeat. `rows` is copied.
Tensor select_rows(Graph& g, const Tensor& x, const std::vector<int32_t>& rows);
// y[s] = mean of the rows of sequence s.   x (tokens, d), result (sequences, d). `segments` is
// copied.
Tensor mean_rows(Graph& g, const Tensor& x, const Segments& segments);
// y = columns [begin, begin + count) of x: one layer's keys from a prefix of all layers.
Tensor select_columns(Graph& g, const Tensor& x, int64_t begin, int64_t count);

}  // namespace engine
