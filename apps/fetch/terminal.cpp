#include "apps/fetch/terminal.h"

#include <iostream>

#include "apps/common/format.h"
#include "apps/common/plain_text.h"
#include "apps/common/signals.h"

namespace apps {

FetchTerminal::~FetchTerminal() = default;

bool FetchTerminal::stop() { return stop_requested(); }

void FetchTerminal::note(const std::string& line) {
  if (!said_.insert(line).second) return;
  const std::string plain = plain_text(line, "");  // it may quote what a server sent
  if (line_)
    line_->note(plain);
  else
    (out_ ? *out_ : std::cerr) << plain << std::endl;
}

void FetchTerminal::progress(const hub::Progress& p) {
  constexpr int64_t kMega = 1'000'000;
  if (p.total < kMega) return;  // over before anybody could read it
  if (!line_ || total_ != p.total) {
    line_ = std::make_unique<Progress>(
        std::max<int64_t>(1, p.total / kMega),
        ProgressOptions{.label = p.model + " MB", .out = out_, .first = p.before / kMega});
    total_ = p.total;
  }
  const int64_t step = p.done / kMega;
  if (line_->due(step)) line_->update(step, {{"", p.file}});
}

void FetchTerminal::finished() {
  if (line_) line_->finish();
  line_.reset();
}

}  // namespace apps
