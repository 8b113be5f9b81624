// The folder of one training run (--out): its record, its metrics, its state; and one writer at a
// time.
//
//   run.json                    the record: settings, machine, results; replaced atomically
//   metrics.jsonl               one JSON object a line, each with a "step", in order; append()
//   hands over whole lines training_state.safetensors  for --resume run.lock held with flock while
//   the run lasts
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/json.h"

namespace engine {

class RunFolder {
 public:
  enum class Start { fresh, resume };

  // Opens the folder, which is made if need be, takes the lock, and writes `settings` into
  // run.json. Throws if
  //   another process has the lock;
  //   fresh: the folder already holds a run (the message says whether its settings are the same, or
  //   which differ); resume: there is no run, or its settings differ, except for the keys in
  //   `may_change` (number of epochs, threads).
  RunFolder(const std::filesystem::path& path, const Json& settings, Start start,
            const std::vector<std::string>& may_change = {});
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path state_file() const { return path_ / "training_state.safetensors"; }
  std::filesystem::path record_file() const { return path_ / "run.json"; }
  std::filesystem::path metrics_file() const { return path_ / "metrics.jsonl"; }

  // The record: {"version": 1, "settings": {...}, ...}. update() sets its top-level fields and
  // replaces the file.
  const Json& record() const { return record_; }
  void update(const Json& fields);

  // Adds one line; it must be an object with an integer "step".
  void append(const Json& line);
  // The lines that metrics.jsonl has now.
  int64_t lines() const { return lines_; }
  // Drops all from the first line that is later than `step`, and a last line that was cut short:
  // what a resumed run will write again. Returns how many lines were dropped.
  int64_t rewind(int64_t step);

 private:
  void lock();
  void open(const Json& settings, Start start, const std::vector<std::string>& may_change);
  void close();

  std::filesystem::path path_;
  Json record_;
  int lock_ = -1, folder_lock_ = -1, metrics_ = -1;  // file descriptors
  int64_t lines_ = 0;
};

// The lines of a metrics.jsonl. A last line that was cut short is left out; any other that is not
// JSON is an error.
std::vector<Json> read_metrics(const std::filesystem::path& file);

// The dotted keys whose values differ: {"lr", "strategy.r"}. Used for messages.
std::vector<std::string> differing_keys(const Json& a, const Json& b);

}  // namespace engine
