// What the head reads of every example, kept across epochs. Where nothing below the head is trained
// and the encoder is in evaluation mode, an example's h0 is the same in every epoch, so the encoder
// runs once and each later epoch costs a head only. (PyTorch users do this by hand. With dropout in
// the encoder, which frozen training has by default, it would not be exact.)
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "run/session.h"

namespace run {

class Features {
 public:
  // Throws engine::Error if something below the head is trained.
  explicit Features(Session& session) : session_(session) { check_strategy(); }

  // Runs the encoder, without dropout, over all examples of all splits; shorter examples first,
  // `batch_size` at a time. `progress` gets (examples done, of how many) and says whether to go on;
  // an engine::Error ends it otherwise.
  void compute(engine::Workspace& workspace, int batch_size,
               const std::function<bool(int64_t, int64_t)>& progress);

  // (sequences, hidden): h0 of the batch's examples, which are row numbers of `split`.
  engine::Tensor rows(engine::Graph& g, const std::string& split,
                      const engine::TokenBatch& batch) const;

  int64_t bytes() const;

 private:
  void check_strategy() const;

  Session& session_;
  std::map<std::string, std::vector<engine::Scalar>> kept_;  // (examples, hidden) of each split
};

}  // namespace run
