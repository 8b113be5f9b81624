#include "peft/lora_hooks.h"

#include <algorithm>
#include <cmath>

#include "engine/ops/dora.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/tensor/gemm.h"
#include "peft/sites.h"

namespace peft {

using namespace engine;

double LoraNumbers::scale() const {
  const auto rank = static_cast<double>(r);
  return alpha / (rslora ? std::sqrt(rank) : rank);
}

LoraHook::LoraHook(const LinearSite& site, const LoraNumbers& n)
    : numbers(n), linear_(*site.linear), begin_(site.out_begin), part_(is_part(site)) {
  const int64_t out = site.out_end - site.out_begin;
  declare(a, "lora_A.weight", {n.r, linear_.in()}, Role::injected, site.layer,
          Init::kaiming_uniform);
  declare(b, "lora_B.weight", {out, n.r}, Role::injected, site.layer, Init::zeros);
  if (!n.dora) return;
  site.linear->kernel().may_be_half = false;  // its rows' lengths are read
  declare(magnitude, "lora_magnitude_vector", {out}, Role::injected, site.layer, Init::derived);
  magnitude.derive = [this, out](Scalar* to, uint64_t) {
    const Parameter& w = linear_.kernel();
    row_lengths(w.value + begin_ * w.shape.cols, out, w.shape.cols, to);
  };
}

Tensor LoraHook::output(Graph& g, const Tensor& x, Tensor y) {
  if (numbers.dora) return magnified(g, x, std::move(y));
  return low_rank_add(g, std::move(y), x, g.use(a), g.use(b), numbers.scale(), numbers.dropout,
                      part_ ? begin_ : -1);
}

// m / |W + s B A| (W x + s B A x) + b. With dropout, W too reads what dropout left of x, as in
// PEFT: y - W x + b + m / |W + s B A| (W x' + s B A x') with x' = dropout(x), less b.
Tensor LoraHook::magnified(Graph& g, const Tensor& x, Tensor y) {
  const Tensor w = g.use(linear_.kernel()), at = g.use(a), bt = g.use(b), m = g.use(magnitude);
  const Tensor lengths = row_lengths(g, {w, at, bt, numbers.scale(), begin_});
  const int64_t first = part_ ? begin_ : -1;
  if (numbers.dropout == 0 || !g.drops()) {
    y = low_rank_add(g, std::move(y), x, at, bt, numbers.scale(), 0, first);
    return rescale(g, std::move(y), linear_.has_bias ? g.use(linear_.offset()) : Tensor(), m,
                   lengths, begin_);
  }
  const Tensor masked = dropout(g, x, numbers.dropout);
  Tensor base = linear(g, masked, w, {});
  const Tensor moved = rescale(g, low_rank_add(g, base, masked, at, bt, numbers.scale(), 0, first),
                               {}, m, lengths, begin_);
  return add(g, add(g, std::move(y), moved), scale(g, std::move(base), -1));
}

bool LoraHook::low_rank(Graph& g, const Tensor& x, Tensor& u, Tensor& v) {
  if (numbers.dora || part_) return false;
  const Tensor in = numbers.dropout > 0 ? dropout(g, x, numbers.dropout) : x;
  u = engine::scale(g, linear(g, in, g.use(a), {}), static_cast<Scalar>(numbers.scale()));
  v = g.use(b);
  return true;
}

void LoraHook::fold(ParameterStore& store) {
  Parameter& weight = own_kernel(store, linear_);
  const int64_t in = weight.shape.cols, out = b.shape.rows;
  const Tensor at(a.shape, a.value), bt(b.shape, b.value);
  Scalar* rows = writable(store, weight) + begin_ * in;
  gemm(false, false, bt, at, 1, rows, Work::forward, static_cast<Scalar>(numbers.scale()));
  std::fill_n(writable(store, b), b.count(), Scalar(0));
  if (!numbers.dora) return;
  std::vector<Scalar> lengths(static_cast<size_t>(out));
  row_lengths(rows, out, in, lengths.data());
  for (int64_t i = 0; i < out; ++i)
    RowMap(rows + i * in, in) *= magnitude.value[i] / lengths[static_cast<size_t>(i)];
  row_lengths(rows, out, in, writable(store, magnitude));
}

LoraEmbeddingHook::LoraEmbeddingHook(const EmbeddingSite& site, const LoraNumbers& n)
    : numbers(n), table_(*site.embedding) {
  declare(a, "lora_embedding_A", {table_.entries(), n.r}, Role::injected, site.layer, Init::zeros);
  declare(b, "lora_embedding_B", {table_.width(), n.r}, Role::injected, site.layer);
  a.transposed_in_file = a.looked_up = true;
  b.init_std = 1;  // as PEFT: here it is A that begins at zero
}

Tensor LoraEmbeddingHook::output(Graph& g, const int32_t* ids, Tensor y) {
  const Tensor down = embedding_sum(g, {{g.use(a), ids, true}}, y.rows());
  return add(g, std::move(y),
             scale(g, linear(g, down, g.use(b), {}), static_cast<Scalar>(numbers.scale())));
}

void LoraEmbeddingHook::fold(ParameterStore& store) {
  const Tensor at(a.shape, a.value), bt(b.shape, b.value);
  gemm(false, true, at, bt, 1, writable(store, table_.weight), Work::forward,
       static_cast<Scalar>(numbers.scale()));
  std::fill_n(writable(store, a), a.count(), Scalar(0));
}

}  // namespace peft
