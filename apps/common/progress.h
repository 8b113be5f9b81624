// How far a run is: one line that is rewritten in place on a terminal, a plain line every few
// seconds in a pipe.
//
//   Progress progress(total_steps, {.label = "sst2 bitfit"});
//   for (...) {
//     if (progress.due(step)) progress.update(step, {{"loss", "0.412"}, {"", "12,345 tokens/s"}});
//   }
//   progress.finish();
//
// A terminal shows   sst2 bitfit  120/630 19%  loss 0.412  12,345 tokens/s  1m 02s left
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace apps {

struct ProgressOptions {
  std::string label = {};
  std::ostream* out = nullptr;    // null: stderr
  int terminal = -1;              // 1: rewrite in place, 0: plain lines, -1: find out
  int width = 0;                  // columns; 0: ask the terminal each time
  double terminal_seconds = 0.1;  // least time between two lines on a terminal ...
  double pipe_seconds = 10;       // ... and in a pipe
  int64_t first =
      0;  // steps done before (a resumed run): time left is estimated from the steps of this one
  std::function<double()> now = {};  // seconds; for tests
};

class Progress {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;  // {"loss", "0.412"}; an empty
                                                                    // name shows the value alone

  explicit Progress(int64_t total, ProgressOptions options = {});  // total <= 0: unknown
  ~Progress();  // clears the line, so that a message after an exception starts on an empty one
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Whether update() would show something now: ask first when the fields are costly to make. True
  // at the last step.
  bool due(int64_t step) const;
  void update(int64_t step, const Fields& fields);
  // A line that stays, above the progress line (an evaluation's result, a saved file).
  void note(const std::string& line);
  // Removes the progress line (terminal) or writes nothing (pipe). note() still works afterwards.
  void finish();

  // The line for these numbers, not cut. Exposed for tests.
  std::string line(int64_t step, const Fields& fields) const;

 private:
  double now() const;
  void clear();

  int64_t total_;
  ProgressOptions options_;
  bool terminal_;
  bool visible_ = false;
  double start_ = 0, last_ = -1e300;
  int64_t last_step_ = -1;
  std::string shown_;
};

}  // namespace apps
