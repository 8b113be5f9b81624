// Who looks on while a run goes: a terminal, a test, a sweep. Library code prints nothing itself.
#pragma once

#include <cstdint>
#include <filesystem>

#include "engine/train/profile.h"
#include "engine/train/trainer.h"
#include "run/record.h"
#include "run/session.h"

namespace run {

// Every function may be left as it is. They are called from the thread that trains.
class Watcher {
 public:
  virtual ~Watcher() = default;

  // Asked before every step: true saves the state and ends the run, which --resume continues.
  virtual bool stop() { return false; }

  virtual void opened(const Session& session, const FinetuneSettings& settings, int64_t steps) {}
  virtual void resumed(int64_t step) {}
  // With --cache-features: examples whose features are computed, and the end of it.
  virtual void features(int64_t done, int64_t all) {}
  virtual void features_kept(int64_t examples, double seconds, int64_t bytes) {}

  virtual void training(const Session& session, int64_t first, int64_t steps) {}
  // `loss`: the mean since the last line of metrics.jsonl.
  virtual void stepped(const engine::Update& update, double loss, const RunTotals& totals) {}
  virtual void evaluated(const Session& session, int64_t step, const engine::Json& metrics) {}
  virtual void trained() {}  // also when it was stopped
  // Texts for tables of dev, written at the end, and what they score (run/text_scores.h).
  virtual void text_written(int64_t done, int64_t all) {}
  virtual void text_scored(const engine::Json& scores) {}

  virtual void profiled(const engine::Profile& profile, const std::filesystem::path& trace) {}
  virtual void stopped(int64_t step, int64_t steps) {}
  virtual void finished(const Session& session, const FinetuneSettings& settings,
                        const engine::Json& metrics, const engine::Json& test_metrics,
                        const RunTotals& totals, int64_t steps) {}
};

}  // namespace run
