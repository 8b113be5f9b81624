// What is known of a sweep's runs: their folders, who works at them, and what failed.
//
//   OUT/NAME/            a run folder, as finetune writes it
//   OUT/.sweep/NAME.lock held with flock by the worker of the run; a worker that dies lets go
//   OUT/.sweep/NAME.json the failure of a run, with its message
//   OUT/.sweep/NAME.log  what finetune printed
//   OUT/sweep.json       plan, runs, what was dropped and chosen; replaced atomically
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "run/sweep/plan.h"

namespace run {

struct RunState {
  enum class Status {
    absent,      // nothing, or nothing that can be resumed
    unfinished,  // to be resumed
    finished,
    failed
  };
  Status status = Status::absent;
  std::string message;          // of a failure
  std::optional<double> score;  // of the dev set, 0 to 1; the mean over MNLI's two
  std::optional<double> seconds;
  std::optional<double> flops;
};

// A run that this process works at, until it is destroyed. A forked process inherits it.
class Claim {
 public:
  explicit Claim(int fd) : fd_(fd) {}
  ~Claim();
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  void keep_on_exec() const;  // the program that a child becomes holds it, too

 private:
  int fd_;
};

class SweepFolder {
 public:
  // Makes the folder if need be. Throws engine::Error if it cannot.
  explicit SweepFolder(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path run_folder(const SweepRun& run) const { return path_ / run.name; }
  std::filesystem::path log_file(const SweepRun& run) const;

  // Reads run.json and the failure. A finished or started run with other settings than the plan's
  // is an engine::Error that names them: its numbers would stand for what they are not.
  RunState state(const SweepRun& run) const;

  // Nothing if another worker has it.
  std::unique_ptr<Claim> claim(const SweepRun& run) const;
  bool claimed(const SweepRun& run) const;

  void record_failure(const SweepRun& run, const std::string& message) const;
  void forget_failure(const SweepRun& run) const;
  void write_record(const engine::Json& json) const;  // sweep.json

 private:
  std::filesystem::path file(const SweepRun& run, const char* ending) const;
  std::filesystem::path path_;
};

}  // namespace run
