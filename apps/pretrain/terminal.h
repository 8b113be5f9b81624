// A pretraining run as a person sees it on a terminal or in a log.
#pragma once

#include <memory>
#include <string>

#include "apps/common/progress.h"
#include "run/pretrain/watcher.h"

namespace apps {

class PretrainTerminal final : public run::PretrainWatcher {
 public:
  // Writes to stderr, nothing with `quiet`; stops at a signal (signals.h).
  explicit PretrainTerminal(bool quiet) : quiet_(quiet) {}

  bool stop() override;
  void tokenising(const data::CorpusProgress& progress) override;
  void tokenised(const data::CorpusProgress& progress, double seconds) override;
  void begun(const run::Pretrainer& run) override;
  void stepped(const run::Pretrainer& run) override;
  void evaluated(const run::Pretrainer& run, const std::vector<run::Score>& scores) override;
  void ended(const run::Pretrainer& run, bool finished) override;
  void worker() override;

 private:
  void say(const std::string& line);

  bool quiet_;
  std::unique_ptr<Progress> progress_;
  std::string last_evaluation_;
};

}  // namespace apps
