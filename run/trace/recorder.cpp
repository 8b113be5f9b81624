#include "run/trace/recorder.h"

namespace run {

using engine::Counters;

namespace {

Counters difference(Counters now, Counters before) {
  Counters made;
  for (const engine::Work work : {engine::Work::forward, engine::Work::input_gradient,
                                  engine::Work::weight_gradient, engine::Work::recomputed})
    made.of(work) = {now.of(work).calls - before.of(work).calls,
                     now.of(work).flops - before.of(work).flops};
  made.saved_bytes = now.saved_bytes - before.saved_bytes;
  return made;
}

}  // namespace

void Recorder::begin() {
  events_.clear();
  seen_ = engine::counters();
  last_ = timer_.seconds();
}

void Recorder::add(int32_t output, bool backward, double seconds) {
  const Counters now = engine::counters();
  events_.push_back(
      {output, backward, seconds, difference(now, seen_), workspace_.pool.live_bytes()});
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
