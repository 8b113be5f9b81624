// One worker of a sweep: claims a run, trains it in a process of its own, and goes on until nothing
// is left. Any number of workers may share a folder.
//
// A process for each run keeps what one does (a crash, memory, its peak) from the others. It is
// sent SIGTERM when the worker is asked to stop or dies, so it saves its state and can be resumed.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "run/sweep/schedule.h"

namespace run {

struct SweepOptions {
  // Starts finetune with these flags in a process that writes to the log, holds the claim, and is
  // sent SIGTERM when this one dies. Returns its id, or throws.
  std::function<pid_t(const std::vector<std::string>& flags, const std::filesystem::path& log,
                      const Claim& claim)>
      launch;
  std::optional<double> budget;  // seconds; halves the rates, and starts no run that is longer
                                 // than what is left
  int shard = 0, shards = 1;     // only runs whose number is shard modulo shards
  bool retry_failed = false;
};

// Called from the worker's thread.
class SweepWatcher {
 public:
  virtual ~SweepWatcher() = default;
  virtual bool stop() { return false; }  // asked several times a second
  // `left`: runs of the queue without this one; `seconds`: that they take, if it can be said.
  virtual void started(const SweepRun& run, bool resumed, size_t left,
                       std::optional<double> seconds) {}
  virtual void ended(const SweepRun& run, const RunState& state) {}
  virtual void waiting() {}  // others have what is left
};

enum class SweepEnd { done, stopped, out_of_time };

struct SweepResult {
  SweepEnd end = SweepEnd::done;
  std::vector<RunState> states;  // of the plan's runs
  Schedule schedule;
};

// Throws engine::Error if the folder holds other runs under these names, or cannot be written. A
// run that fails is recorded, and the next one is begun.
SweepResult work(const SweepPlan& plan, const SweepFolder& folder, const SweepOptions& options,
                 SweepWatcher& watcher);

std::vector<RunState> read_states(const SweepPlan& plan, const SweepFolder& folder);

}  // namespace run
