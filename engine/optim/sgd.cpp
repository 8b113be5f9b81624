#include "engine/optim/sgd.h"

#include "engine/base/error.h"
#include "engine/optim/chunks.h"

namespace engine {

Sgd::Sgd(const ParameterStore::Block& block, const SgdOptions& options)
    : Optimizer(block), options_(options) {
  check(options.momentum >= 0 && options.momentum < 1, "sgd", "momentum is ", options.momentum,
        " and must be at least 0 and below 1");
  check(options.weight_decay >= 0, "sgd", "weight_decay is ", options.weight_decay,
        " and must not be negative");
  check(!options.nesterov || options.momentum > 0, "sgd", "nesterov needs a momentum above 0",
        hint("0.9 is usual"));
  if (options.momentum > 0) u_ = moment(block.size);
}

Optimizer::State Sgd::state() {
  if (!u_) return {};
  return {{"momentum_buffer", {u_.get(), static_cast<size_t>(block().size)}}};
}

void Sgd::update(int64_t, double lr, double grad_scale) {
  const ParameterStore::Block& b = block();
  const auto rate = static_cast<Scalar>(lr), scale = static_cast<Scalar>(grad_scale);
  const auto momentum = static_cast<Scalar>(options_.momentum);
  // p -= lr (ahead g + follow u)
  const auto ahead = static_cast<Scalar>(options_.nesterov ? 1 : 0);
  const auto follow = static_cast<Scalar>(options_.nesterov ? options_.momentum : 1);
  const auto range = [&](int64_t begin, int64_t end, Scalar decay) {
    for_chunks(begin, end, [&](int64_t from, int64_t to) {
      Scalar* __restrict p = b.value;
      const Scalar* __restrict grad = b.grad;
      Scalar* __restrict u = u_.get();
      if (!u) {
#pragma omp simd
        for (int64_t i = from; i < to; ++i) p[i] -= rate * (grad[i] * scale + decay * p[i]);
        return;
      }
#pragma omp simd
      for (int64_t i = from; i < to; ++i) {
        const Scalar g = grad[i] * scale + decay * p[i];
        u[i] = momentum * u[i] + g;
        p[i] -= rate * (ahead * g + follow * u[i]);
      }
    });
  };
  range(0, b.decayed, static_cast<Scalar>(options_.weight_decay));
  range(b.decayed, b.size, 0);
}

}  // namespace engine
