#include "apps/generate/chat.h"

#include <poll.h>

#include <iostream>

#include "apps/common/signals.h"
#include "data/decode_stream.h"
#include "run/chat.h"
#include "run/texts.h"

namespace apps {

namespace {

// Waits for a line without missing a signal: reading would go on waiting after one.
bool next_line(std::istream& in, std::string& line) {
  while (&in == &std::cin && in.rdbuf()->in_avail() == 0) {
    pollfd keys{0, POLLIN, 0};
    if (stop_requested()) return false;
    if (::poll(&keys, 1, 200) > 0) break;
  }
  return !stop_requested() && static_cast<bool>(std::getline(in, line));
}

// The ids of the chat with room for an answer, after forgetting the oldest turns that are in the
// way.
std::vector<int32_t> fitting_ids(const run::LanguageModel& lm, const data::ChatFormat& format,
                                 std::vector<data::Turn>& turns, std::ostream& notes) {
  constexpr int64_t kLeastRoom = 16;
  const size_t kept = turns.front().role == "system" ? 1 : 0;
  std::vector<int32_t> ids = run::chat_ids(lm, format, turns, "chat");
  const size_t before = turns.size();
  while (static_cast<int64_t>(ids.size()) + kLeastRoom > run::longest_text(lm) &&
         turns.size() >= kept + 3) {
    const auto first = turns.begin() + static_cast<std::ptrdiff_t>(kept);
    turns.erase(first, first + 2);
    ids = run::chat_ids(lm, format, turns, "chat");
  }
  if (turns.size() < before)
    notes << "(the first " << before - turns.size()
          << " turns are forgotten: the chat is longer than the model's context)\n";
  return ids;
}

}  // namespace

std::string stream_text(run::LanguageModel& lm, const std::vector<int32_t>& ids,
                        const run::Writing& how, std::ostream& out) {
  data::DecodeStream stream(*lm.tokenizer);
  std::string all;
  const auto show = [&](const std::string& text) {
    all += text;
    out << text << std::flush;
  };
  const auto written = run::write(
      lm, {ids}, how,
      {.on_token = [&](int, int32_t id) { show(stream.push(id)); }, .interrupted = stop_requested});
  show(how.options.beams > 1 ? written[0].text : stream.finish());
  out << std::endl;
  return all;
}

void chat_loop(run::LanguageModel& lm, const data::ChatFormat& format, const std::string& system,
               const run::Writing& how, std::istream& in, std::ostream& out, std::ostream& notes) {
  std::vector<data::Turn> turns;
  const auto begin = [&] {
    turns.clear();
    if (!system.empty()) turns.push_back({"system", system});
  };
  begin();
  notes << "/new begins again, /quit ends\n";
  for (std::string line; notes << "> " << std::flush, next_line(in, line);) {
    if (line.empty()) continue;
    if (line == "/quit") return;
    if (line == "/new") {
      begin();
      continue;
    }
    turns.push_back({"user", line});
    try {
      turns.push_back(
          {"assistant", stream_text(lm, fitting_ids(lm, format, turns, notes), how, out)});
    } catch (const engine::Error& e) {  // too long a line, for instance: the chat goes on
      notes << "error: " << e.what() << '\n';
      turns.pop_back();
    }
    if (stop_requested()) return;
  }
  notes << '\n';
}

}  // namespace apps
