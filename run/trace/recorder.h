// Listens to a graph: what each op took in time, products and memory, in the order of the step.
#pragma once

#include <vector>

#include "engine/autograd/graph.h"
#include "engine/base/counters.h"
#include "engine/base/timer.h"

namespace run {

class Recorder final : public engine::OpListener {
 public:
  struct Event {
    int32_t output = -1;  // of the op whose forward or backward this is
    bool backward = false;
    double seconds = 0;
    engine::Counters work;   // of this event alone
    int64_t live_bytes = 0;  // of all tensors, after it
  };

  explicit Recorder(const engine::Workspace& workspace) : workspace_(workspace) { begin(); }

  // Call before the graph's first op: what came before is not that op's.
  void begin();
  const std::vector<Event>& events() const { return events_; }

  void forward(const char* op, const engine::Tensor& y, int64_t saved_bytes) override;
  void backward(const char* op, int32_t output, double begin, double end) override;
  double now() override { return timer_.seconds(); }

 private:
  void add(int32_t output, bool backward, double seconds);

  const engine::Workspace& workspace_;
  engine::Timer timer_;
  double last_ = 0;
  engine::Counters seen_;
  std::vector<Event> events_;
};

}  // namespace run
