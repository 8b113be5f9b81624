#pragma once

#include "run/watcher.h"

namespace testing {

// Stops a run before its step `steps`, from 0; -1: never.
class StopAfter final : public run::Watcher {
 public:
  explicit StopAfter(int steps) : left_(steps) {}
  bool stop() override { return left_ >= 0 && left_-- == 0; }

 private:
  int left_;
};

}  // namespace testing
