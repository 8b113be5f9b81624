#include "engine/train/profile.h"

#include <algorithm>

#include "engine/base/atomic_file.h"
#include "engine/io/json.h"

namespace engine {

void Profile::begin_step() {
  ++steps_;
  last_ = timer_.seconds();
}

void Profile::other(const std::string& what, double seconds) {
  Line& line = lines_[what];
  line.op = what;
  ++line.calls;
  line.forward_seconds += seconds;
}

void Profile::forward(const char* op, const Tensor&, int64_t saved_bytes) {
  const double end = timer_.seconds();
  Line& line = lines_[op];
  line.op = op;
  ++line.calls;
  line.forward_seconds += end - last_;
  line.saved_bytes += saved_bytes;
  if (steps_ <= kTraceSteps) events_.push_back({op, false, last_, end, saved_bytes});
  last_ = end;
}

void Profile::backward(const char* op, int32_t, double begin_seconds, double end_seconds) {
  lines_[op].backward_seconds += end_seconds - begin_seconds;
  last_ = end_seconds;  // a batch in pieces goes forward again
  if (steps_ <= kTraceSteps) events_.push_back({op, true, begin_seconds, end_seconds, 0});
}

std::vector<Profile::Line> Profile::lines() const {
  std::vector<Line> sorted;
  for (const auto& [op, line] : lines_) sorted.push_back(line);
  std::sort(sorted.begin(), sorted.end(), [](const Line& a, const Line& b) {
    return a.forward_seconds + a.backward_seconds > b.forward_seconds + b.backward_seconds;
  });
  return sorted;
}

void Profile::write_trace(const std::filesystem::path& file) const {
  Json events = Json::array();
  for (const Event& e : events_)
    events.push_back({{"name", e.op},
                      {"cat", e.backward ? "backward" : "forward"},
                      {"ph", "X"},
                      {"pid", 1},
                      {"tid", 1},
                      {"ts", e.begin * 1e6},
                      {"dur", (e.end - e.begin) * 1e6},
                      {"args", {{"saved_bytes", e.saved_bytes}}}});
  write_file_atomically(file,
                        json_text(Json{{"traceEvents", events}, {"displayTimeUnit", "ms"}}) + "\n");
}

}  // namespace engine
