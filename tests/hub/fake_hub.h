// hub.py for a test: a hub on loopback with models of a few bytes, and what it was asked.
#pragma once

#include <string>
#include <vector>

#include "engine/io/json.h"
#include "hub/repository.h"
#include "tests/support/paths.h"

namespace testing {

class FakeHub {
 public:
  // Null, with a line on stdout, where there is no python3, or no libcurl in this build.
  static std::unique_ptr<FakeHub> start();
  ~FakeHub();

  // A model with config.json, tokenizer.json, tokenizer_config.json and model.safetensors of
  // `bytes` bytes. What is in them is no model: fetching does not look.
  void add(const std::string& name, size_t bytes = 1000);
  void write(const std::string& name, const std::string& file, const std::string& content);
  std::filesystem::path folder(const std::string& name) const { return root_ / name; }

  void mode(const std::string& query);         // as hub.py has it
  std::vector<engine::Json> log();             // what was asked since the last call
  size_t asked(const std::string& part = "");  // how many requests of the log have `part` in them

  std::string endpoint() const { return "http://127.0.0.1:" + port_; }
  // A cache of its own, quick tries.
  hub::Settings settings(const TempDir& dir) const;

 private:
  FakeHub() = default;
  std::string get(const std::string& path);
  TempDir root_;
  std::string port_;
  int pid_ = -1, in_ = -1;
};

// Remembers what it is told; stop() after `stop_after` bytes.
struct Recorder : hub::Watcher {
  bool stop() override { return stop_after >= 0 && last.done >= stop_after; }
  void note(const std::string& line) override { notes.push_back(line); }
  void progress(const hub::Progress& p) override {
    if (p.done < last.done) ++backwards;
    last = p;
    ++calls;
  }
  void finished() override { ++ends; }
  bool noted(const std::string& part) const;

  std::vector<std::string> notes;
  hub::Progress last;
  int64_t stop_after = -1;
  int calls = 0, backwards = 0, ends = 0;
};

// `size` bytes that are not the same anywhere.
std::string noise(size_t size, unsigned seed = 1);

}  // namespace testing
