// One update of the trainable block: forward and backward over one or more batches, clip,
// optimizer.
//
//   Trainer trainer(workspace, store, optimizer, schedule, options,
//                   [&](Graph& g, const TokenBatch& batch) { return loss; });
//   while (trainer.updates() < schedule.total()) {
//     const Update u = trainer.update(next_batch);
//     ...
//   }
//
// Independent of text, models and strategies. A warm update takes no memory from the system.
#pragma once

#include <functional>

#include "engine/autograd/graph.h"
#include "engine/base/token_batch.h"
#include "engine/nn/parameter_store.h"
#include "engine/optim/clip.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "engine/train/pieces.h"

namespace engine {

struct TrainerOptions {
  double lr = 5e-5;            // base rate; the schedule's factor goes on top
  double max_grad_norm = 1.0;  // 0: no clipping
  // Batches an update, at most.
  int grad_accumulation = 1;
  // A batch is computed in pieces of at most so many tokens (pieces.h); 0: at once.
  int64_t piece_tokens = 0;
  uint64_t seed = 42;  // of dropout
  bool dropout = true;
  OpListener* listener = nullptr;
  // A loss that is not finite is left to apply(), which changes nothing then. False: an error.
  bool skip_not_finite = false;
};

struct Update {
  int64_t step = 0;      // number of this update, from 1
  double loss = 0;       // mean over the update's terms, before the update
  double grad_norm = 0;  // before clipping
  double lr = 0;         // the rate that was used
  int64_t tokens = 0, sequences = 0;
  int64_t saved_bytes = 0;  // kept for backward at a time, at most
  int64_t unwritten = 0;    // parameters whose gradient no op wrote
  // optimizer: clipping and step.
  double forward_seconds = 0, backward_seconds = 0, optimizer_seconds = 0;
};

class Trainer {
 public:
  using Loss = std::function<Tensor(Graph&, const TokenBatch&)>;
  // How many terms the loss of a batch is a mean of, or the sum of their weights; not negative.
  using Terms = std::function<double(const TokenBatch&)>;
  // Fills the batch; false, from the second call of an update on, where the update ends before it.
  using NextBatch = std::function<bool(TokenBatch&)>;

  // Keeps references to all but options. `loss` is a mean over terms(batch) terms of what it is
  // given, a batch or a micro-batch of one; by default a term is a sequence.
  Trainer(Workspace& workspace, ParameterStore& store, Optimizer& optimizer,
          const Schedule& schedule, TrainerOptions options, Loss loss, Terms terms = {});

  // One update: the gradient of the mean over all terms of its batches, however they are cut.
  // Throws engine::Error, before any parameter is changed, if loss or gradients are not finite.
  Update update(const NextBatch& next);

  // The same in steps, for who computes the parts of an update elsewhere (dist/group.h): begin(),
  // add() for every micro-batch, ParameterStore::settle_gradients(), apply().
  void begin() { store_.clear_gradients(); }
  // Forward and backward: adds share * d(loss of the batch) to the gradients and share * loss to
  // update.loss. Dropout is a function of (seed, number).
  void add(const TokenBatch& batch, double share, uint64_t number, Update& update);
  // Clips and makes the step. False, and nothing is changed, if a gradient is not finite.
  bool apply(double lr, Update& update);
  // Null: nobody listens.
  void set_listener(OpListener* listener) { options_.listener = listener; }

  // Made so far; resuming sets the optimizer's count.
  int64_t updates() const { return optimizer_.steps(); }

 private:
  Workspace& workspace_;
  ParameterStore& store_;
  Optimizer& optimizer_;
  const Schedule& schedule_;
  TrainerOptions options_;
  Loss loss_;
  Terms terms_;
  std::vector<TokenBatch> batches_;  // of an update
  Pieces pieces_;
};

}  // namespace engine
