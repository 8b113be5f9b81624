#include "run/sweep/worker.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

#include "engine/base/error.h"

namespace run {
namespace {

using Clock = std::chrono::steady_clock;
using Status = RunState::Status;
constexpr auto kPoll = std::chrono::milliseconds(50);
constexpr auto kWait = std::chrono::milliseconds(500);

// What the log says last: its last "error: ", or its last line.
std::string last_words(const std::filesystem::path& log) {
  std::ifstream in(log, std::ios::binary);
  in.seekg(0, std::ios::end);
  const std::streamoff size = in.tellg(), from = std::max<std::streamoff>(0, size - 4000);
  in.seekg(from);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (const size_t error = text.rfind("error: "); error != std::string::npos)
    return text.substr(error + 7);
  const size_t line = text.rfind('\n');
  return text.substr(line == std::string::npos ? 0 : line + 1);
}

struct Exit {
  int status = 0;
  bool asked = false;  // it was told to stop
};

class Worker {
 public:
  Worker(const SweepPlan& plan, const SweepFolder& folder, const SweepOptions& options,
         SweepWatcher& watcher)
      : plan_(plan), folder_(folder), options_(options), watcher_(watcher) {
    engine::check(options.shards > 0 && options.shard >= 0 && options.shard < options.shards,
                  "sweep", "shard ", options.shard, " of ", options.shards,
                  " does not exist; the first is 0");
  }

  SweepResult go() {
    if (options_.retry_failed)
      for (const SweepRun& run : plan_.runs)
        if (const auto claim = folder_.claim(run)) folder_.forget_failure(run);
    SweepResult out;
    for (bool told = false;;) {
      out.states = read_states(plan_, folder_);
      out.schedule = schedule(plan_, out.states, options_.budget.has_value());
      folder_.write_record(sweep_record(plan_, out.states, out.schedule));
      if (stopped_ || watcher_.stop()) {
        out.end = SweepEnd::stopped;
        return out;
      }
      if (late()) {
        out.end = mine(out.schedule.queue).empty() && !out.schedule.waiting ? SweepEnd::done
                                                                            : SweepEnd::out_of_time;
        return out;
      }
      const Next next = one(out);
      if (next == Next::ran) {
        told = false;
        continue;
      }
      if (next == Next::nothing && !out.schedule.waiting) return out;
      if (next == Next::too_long) {
        out.end = SweepEnd::out_of_time;
        return out;
      }
      if (!told) watcher_.waiting();
      told = true;
      std::this_thread::sleep_for(kWait);
    }
  }

 private:
  enum class Next { ran, busy, too_long, nothing };

  std::vector<size_t> mine(const std::vector<size_t>& queue) const {
    std::vector<size_t> out;
    for (const size_t run : queue)
      if (run % static_cast<size_t>(options_.shards) == static_cast<size_t>(options_.shard))
        out.push_back(run);
    return out;
  }

  double left() const {
    return options_.budget.value_or(1e300) -
           std::chrono::duration<double>(Clock::now() - began_).count();
  }
  bool late() const { return left() <= 0; }

  // Runs the first of the queue that nobody has.
  Next one(const SweepResult& now) {
    const std::vector<size_t> queue = mine(now.schedule.queue);
    Next next = Next::nothing;
    for (const size_t i : queue) {
      const SweepRun& run = plan_.runs[i];
      const auto seconds = predicted_seconds(plan_, now.states, i);
      if (options_.budget && seconds && *seconds > left()) {
        if (next == Next::nothing) next = Next::too_long;
        continue;
      }
      const std::unique_ptr<Claim> claim = folder_.claim(run);
      if (!claim) {
        next = Next::busy;
        continue;
      }
      const RunState before = folder_.state(run);  // another may just have finished it
      if (before.status == Status::finished || before.status == Status::failed) return Next::ran;
      tell(now, queue, i, before.status == Status::unfinished);
      const Exit exit = execute(run, before.status == Status::unfinished, *claim);
      RunState after = folder_.state(run);
      if (after.status != Status::finished && !exit.asked) {
        const int code = WIFEXITED(exit.status) ? WEXITSTATUS(exit.status) : -1;
        if (code == 128 + SIGTERM || code == 128 + SIGINT) {
          stopped_ = true;  // somebody else stopped it: it can be resumed
        } else {
          folder_.record_failure(run, failure(run, exit.status));
          after = folder_.state(run);
        }
      }
      watcher_.ended(run, after);
      return Next::ran;
    }
    return next;
  }

  void tell(const SweepResult& now, const std::vector<size_t>& queue, size_t run, bool resumed) {
    double sum = 0;
    bool known = true;
    for (const size_t i : queue) {
      const auto seconds = predicted_seconds(plan_, now.states, i);
      known = known && seconds;
      sum += seconds.value_or(0);
    }
    watcher_.started(plan_.runs[run], resumed, queue.size() - 1,
                     known ? std::optional(sum) : std::nullopt);
  }

  Exit execute(const SweepRun& run, bool resume, const Claim& claim) {
    std::vector<std::string> flags = run.flags();
    flags.push_back("--out=" + folder_.run_folder(run).string());
    if (resume) flags.push_back("--resume");
    const pid_t child = options_.launch(flags, folder_.log_file(run), claim);
    Exit exit;
    for (;;) {
      const pid_t ended = ::waitpid(child, &exit.status, WNOHANG);
      if (ended == child || (ended < 0 && errno != EINTR)) return exit;
      if (!exit.asked && (watcher_.stop() || late())) {
        ::kill(child, SIGTERM);
        exit.asked = true;
      }
      std::this_thread::sleep_for(kPoll);
    }
  }

  std::string failure(const SweepRun& run, int status) const {
    if (WIFSIGNALED(status))
      return engine::concat("killed by signal ", WTERMSIG(status), " (",
                            strsignal(WTERMSIG(status)), ")",
                            WTERMSIG(status) == SIGKILL ? "; was there enough memory?" : "");
    const std::string words = last_words(folder_.log_file(run));
    return words.empty() ? engine::concat("exit code ", WEXITSTATUS(status)) : words;
  }

  const SweepPlan& plan_;
  const SweepFolder& folder_;
  const SweepOptions& options_;
  SweepWatcher& watcher_;
  const Clock::time_point began_ = Clock::now();
  bool stopped_ = false;
};

}  // namespace

std::vector<RunState> read_states(const SweepPlan& plan, const SweepFolder& folder) {
  std::vector<RunState> states;
  for (const SweepRun& run : plan.runs) states.push_back(folder.state(run));
  return states;
}

SweepResult work(const SweepPlan& plan, const SweepFolder& folder, const SweepOptions& options,
                 SweepWatcher& watcher) {
  return Worker(plan, folder, options, watcher).go();
}

}  // namespace run
