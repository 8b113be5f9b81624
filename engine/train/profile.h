// Time and saved bytes by op, forward and backward, and a trace that Perfetto and chrome://tracing
// open.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/autograd/graph.h"
#include "engine/base/timer.h"

namespace engine {

// Give it to GraphOptions::listener (TrainerOptions::listener). An op's forward time is counted
// from the end of the op before it, so the small work between ops belongs to the op that follows.
class Profile : public OpListener {
 public:
  struct Line {
    std::string op;
    int64_t calls = 0;
    double forward_seconds = 0, backward_seconds = 0;
    int64_t saved_bytes = 0;
  };

  // Call before a graph begins: time since the last op is not the first op's.
  void begin_step();
  // What is done outside of ops: "optimizer", "batch".
  void other(const std::string& what, double seconds);

  std::vector<Line> lines() const;  // most time first
  // Chrome trace events of the first `kTraceSteps` steps.
  void write_trace(const std::filesystem::path& file) const;

  void forward(const char* op, const Tensor& y, int64_t saved_bytes) override;
  void backward(const char* op, int32_t output, double begin_seconds, double end_seconds) override;
  double now() override { return timer_.seconds(); }

 private:
  static constexpr int kTraceSteps = 20;
  struct Event {
    const char* op;
    bool backward;
    double begin, end;
    int64_t saved_bytes;
  };
  Timer timer_;
  double last_ = 0;
  int steps_ = 0;
  std::map<std::string, Line> lines_;
  std::vector<Event> events_;
};

}  // namespace engine
