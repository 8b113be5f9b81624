// Who looks on while files are fetched: a terminal, a test. The library prints nothing itself.
#pragma once

#include <cstdint>
#include <string>

namespace hub {

struct Progress {
  std::string model;   // "org/name"
  std::string file;    // that is being fetched now
  int64_t done = 0;    // bytes of all files that are fetched,
  int64_t total = 0;   // of how many
  int64_t before = 0;  // bytes of `done` that an earlier process had left
};

// Every function may be left as it is.
class Watcher {
 public:
  virtual ~Watcher() = default;
  // Asked at least once a second: true ends what is being done with Stopped. What was downloaded
  // stays, and the next process goes on with it.
  virtual bool stop() { return false; }
  virtual void note(const std::string& line) {}  // one sentence for a person
  virtual void progress(const Progress& progress) {}
  virtual void finished() {}  // after the last progress()
};

// Who looks on in this process: models are opened in many places, and few have a terminal at hand.
// Nobody, before set_watcher(); what is set must outlive its use.
Watcher& watcher();
void set_watcher(Watcher* watcher);

}  // namespace hub
