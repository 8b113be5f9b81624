// Who looks on while a model is pretrained: a terminal, a test. Library code prints nothing itself.
#pragma once

#include <vector>

#include "data/corpus.h"
#include "run/pretrain/objective.h"

namespace run {

class Pretrainer;

// Every function may be left as it is. They are called from the process that was started, but for
// worker().
class PretrainWatcher {
 public:
  virtual ~PretrainWatcher() = default;

  // Asked before every update, and while text is read: true saves the state and ends the run.
  virtual bool stop() { return false; }

  // While the corpus is tokenised, and when it has been.
  virtual void tokenising(const data::CorpusProgress& progress) {}
  virtual void tokenised(const data::CorpusProgress& progress, double seconds) {}

  virtual void begun(const Pretrainer& run) {}
  virtual void stepped(const Pretrainer& run) {}
  // On held-out text; one score for each of the objective's parts.
  virtual void evaluated(const Pretrainer& run, const std::vector<Score>& scores) {}
  virtual void ended(const Pretrainer& run, bool finished) {}

  // At the start of each process that shares the updates' parts.
  virtual void worker() {}
};

}  // namespace run
