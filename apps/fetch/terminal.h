// What a terminal shows while models are fetched: a line with bytes, speed and time left on stderr,
// and each note once.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "apps/common/progress.h"
#include "hub/watcher.h"

namespace apps {

class FetchTerminal : public hub::Watcher {
 public:
  // `out`: stderr where it is null.
  explicit FetchTerminal(std::ostream* out = nullptr) : out_(out) {}
  ~FetchTerminal() override;

  bool stop() override;
  void note(const std::string& line) override;
  void progress(const hub::Progress& progress) override;
  void finished() override;

 private:
  std::ostream* out_;
  std::set<std::string> said_;
  std::unique_ptr<Progress> line_;
  int64_t total_ = 0;
};

}  // namespace apps
