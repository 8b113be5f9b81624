// A fine-tuning run as a person sees it on a terminal or in a log: header, progress, summary.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

#include "apps/common/progress.h"
#include "run/watcher.h"

namespace apps {

class TerminalWatcher final : public run::Watcher {
 public:
  // `stopped`: a signal's number when the run should stop, else 0. `terminal`: see ProgressOptions.
  explicit TerminalWatcher(std::ostream& out, std::function<int()> stopped = {}, int terminal = -1)
      : out_(out), stopped_(std::move(stopped)), terminal_(terminal) {}

  bool stop() override { return stopped_ && stopped_() != 0; }
  void opened(const run::Session& session, const run::FinetuneSettings& settings,
              int64_t steps) override;
  void resumed(int64_t step) override;
  void features(int64_t done, int64_t all) override;
  void features_kept(int64_t examples, double seconds, int64_t bytes) override;
  void training(const run::Session& session, int64_t first, int64_t steps) override;
  void stepped(const engine::Update& update, double loss, const run::RunTotals& totals) override;
  void evaluated(const run::Session& session, int64_t step, const engine::Json& metrics) override;
  void trained() override { progress_.reset(); }
  void text_written(int64_t done, int64_t all) override;
  void text_scored(const engine::Json& scores) override;
  void profiled(const engine::Profile& profile, const std::filesystem::path& trace) override;
  void stopped(int64_t step, int64_t steps) override;
  void finished(const run::Session& session, const run::FinetuneSettings& settings,
                const engine::Json& metrics, const engine::Json& test_metrics,
                const run::RunTotals& totals, int64_t steps) override;

 private:
  void show(const std::string& label, int64_t first, int64_t all);

  std::ostream& out_;
  std::function<int()> stopped_;
  int terminal_;
  std::unique_ptr<Progress> progress_;
};

// "trainable params: 296,450 || all params: 109,778,690 || trainable%: 0.2700"
std::string trainable_line(const run::ParameterCounts& counts);

}  // namespace apps
