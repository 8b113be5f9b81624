#include "run/trace/recorder.h"

namespace run {

void Recorder::begin() {
  events_.clear();
  seen_ = engine::counters();
  last_ = timer_.seconds();
}

void Recorder::add(int32_t output, bool backward, double seconds) {
  const engine::Counters now = engine::counters();
  events_.push_back({output, backward, seconds, now.since(seen_), workspace_.pool.live_bytes()});
  seen_ = now;
  last_ = timer_.seconds();
}

void Recorder::forward(const char*, const engine::Tensor& y, int64_t) {
  add(y.id(), false, timer_.seconds() - last_);
}

void Recorder::backward(const char*, int32_t output, double begin, double end) {
  add(output, true, end - begin);
}

}  // namespace run
