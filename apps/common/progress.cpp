#include "apps/common/progress.h"

#include <chrono>
#include <iostream>

#include "apps/common/format.h"
#include "apps/common/table.h"

namespace apps {

Progress::Progress(int64_t total, ProgressOptions options)
    : total_(total), options_(std::move(options)) {
  terminal_ =
      options_.terminal < 0 ? options_.out == nullptr && is_terminal(2) : options_.terminal == 1;
  if (!options_.out) options_.out = &std::cerr;
  start_ = now();
}

Progress::~Progress() { finish(); }

double Progress::now() const {
  if (options_.now) return options_.now();
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool Progress::due(int64_t step) const {
  if (step == last_step_) return false;
  if (total_ > 0 && step >= total_) return true;
  return now() - last_ >= (terminal_ ? options_.terminal_seconds : options_.pipe_seconds);
}

std::string Progress::line(int64_t step, const Fields& fields) const {
  std::string text = options_.label.empty() ? "" : options_.label + "  ";
  text += format_count(step);
  if (total_ > 0) {
    text += "/" + format_count(total_) + " " + std::to_string(100 * step / total_) + "%";
  }
  for (const auto& [name, value] : fields)
    text += "  " + (name.empty() ? value : name + " " + value);
  const int64_t done = step - options_.first;
  if (total_ > step && done > 0)
    text += "  " +
            format_seconds((now() - start_) / static_cast<double>(done) *
                           static_cast<double>(total_ - step)) +
            " left";
  return text;
}

void Progress::update(int64_t step, const Fields& fields) {
  if (!due(step)) return;
  last_ = now();
  last_step_ = step;
  shown_ = line(step, fields);
  if (!terminal_) {
    *options_.out << shown_ << std::endl;
    return;
  }
  const int width = options_.width > 0      ? options_.width
                    : terminal_width(2) > 0 ? terminal_width(2)
                                            : 80;
  // One column stays free: a full line would wrap on some terminals. ESC[K clears what a longer
  // line left.
  *options_.out << '\r' << cut_to_width(shown_, width - 1) << "\033[K" << std::flush;
  visible_ = true;
}

void Progress::clear() {
  if (visible_) *options_.out << "\r\033[K" << std::flush;
  visible_ = false;
}

void Progress::note(const std::string& text) {
  const bool was_visible = visible_;
  clear();
  *options_.out << text << std::endl;
  if (was_visible) {
    const int width = options_.width > 0      ? options_.width
                      : terminal_width(2) > 0 ? terminal_width(2)
                                              : 80;
    *options_.out << cut_to_width(shown_, width - 1) << "\033[K" << std::flush;
    visible_ = true;
  }
}

void Progress::finish() { clear(); }

}  // namespace apps
