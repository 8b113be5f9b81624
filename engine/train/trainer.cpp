#include "engine/train/trainer.h"

#include <algorithm>
#include <cmath>

#include "engine/base/timer.h"

namespace engine {

Trainer::Trainer(Workspace& workspace, ParameterStore& store, Optimizer& optimizer,
                 const Schedule& schedule, TrainerOptions options, Loss loss, Terms terms)
    : workspace_(workspace),
      store_(store),
      optimizer_(optimizer),
      schedule_(schedule),
      options_(options),
      loss_(std::move(loss)),
      terms_(terms ? std::move(terms)
                   : [](const TokenBatch& batch) -> double { return batch.sequences(); }) {
  check(options_.grad_accumulation >= 1, "trainer", "grad_accumulation is ",
        options_.grad_accumulation, "; it must be at least 1");
  check(options_.piece_tokens >= 0, "trainer", "piece_tokens is ", options_.piece_tokens);
  check(options_.lr >= 0 && std::isfinite(options_.lr), "trainer", "the learning rate is ",
        options_.lr);
}

Update Trainer::update(const NextBatch& next) {
  Update u;
  u.step = optimizer_.steps() + 1;
  const int most = options_.grad_accumulation;
  // All batches first: what one counts depends on the terms of all.
  batches_.resize(static_cast<size_t>(most));
  int parts = 0;
  double all = 0;
  while (parts < most && next(batches_[static_cast<size_t>(parts)])) {
    const TokenBatch& batch = batches_[static_cast<size_t>(parts++)];
    u.tokens += batch.tokens() + batch.output.tokens();
    u.sequences += batch.sequences();
    all += terms_(batch);
  }
  check(all > 0, "training", "update ", u.step, " has nothing to learn from");
  begin();
  for (int part = 0; part < parts; ++part) {
    pieces_.cut(batches_[static_cast<size_t>(part)], options_.piece_tokens);
    const auto number = static_cast<uint64_t>(optimizer_.steps() * most + part);
    for (int piece = 0; piece < pieces_.count(); ++piece) {
      const TokenBatch& batch = pieces_.get(piece);
      const double share = terms_(batch) / all;
      if (share > 0) add(batch, share, Pieces::step(number, piece), u);
    }
  }
  for (const Parameter* p : store_.trainable()) u.unwritten += p->grad_written ? 0 : 1;
  const Timer timer;
  store_.settle_gradients();
  u.optimizer_seconds = timer.seconds();
  const double lr = options_.lr * schedule_.factor(optimizer_.steps());
  check(apply(lr, u), "training", "the gradient of update ", u.step, " is not finite (norm ",
        u.grad_norm, ")",
        hint("use a smaller --lr or a longer --warmup-ratio; parameters are as they were before "
             "this update"));
  return u;
}

void Trainer::add(const TokenBatch& batch, double share, uint64_t number, Update& u) {
  const int64_t saved_before = counters().saved_bytes;
  Timer timer;
  GraphOptions options;
  options.dropout = options_.dropout;
  options.seed = options_.seed;
  options.step = number;
  options.listener = options_.listener;
  Graph g(workspace_, options);
  const Tensor loss = loss_(g, batch);
  const auto value = static_cast<double>(loss.value());
  check(options_.skip_not_finite || std::isfinite(value), "training", "the loss of update ", u.step,
        " is ", value,
        hint("use a smaller --lr or a longer --warmup-ratio; parameters are as they were "
             "before this update"));
  u.loss += value * share;
  u.forward_seconds += timer.seconds();
  timer.restart();
  g.backward(loss, static_cast<Scalar>(share));
  u.backward_seconds += timer.seconds();
  u.saved_bytes = std::max(u.saved_bytes, counters().saved_bytes - saved_before);
}

bool Trainer::apply(double lr, Update& u) {
  const Timer timer;
  const Clip clip = clip_gradients(store_.block(), options_.max_grad_norm);
  u.grad_norm = clip.norm;
  u.lr = lr;
  if (clip.finite()) {
    optimizer_.step(lr, clip.scale);
    store_.refresh_half();
  }
  u.optimizer_seconds += timer.seconds();
  return clip.finite();
}

}  // namespace engine
