#include "bench/serve.h"

#include <istream>
#include <ostream>
#include <sstream>

#include "bench/machine.h"
#include "engine/base/peak.h"
#include "engine/base/timer.h"

namespace bench {

void serve(const StepCase& c, std::istream& in, std::ostream& out) {
  reset_peak_resident();
  const engine::Timer start;
  StepRunner runner(c);
  const double made = start.seconds();
  runner.step();
  const double first = start.seconds(), since_start = process_seconds();
  double all_tokens = 0;
  const double before = engine::counters().needed_flops();
  for (size_t i = 0; i < runner.lengths().size(); ++i)
    all_tokens += static_cast<double>(runner.step().tokens);
  const double needed = engine::counters().needed_flops() - before;
  const auto say = [&](const engine::Json& line) { out << engine::json_text(line) << std::endl; };
  say({{"event", "ready"},
       {"trained_parameters", runner.trained_parameters()},
       {"parameters", runner.total_parameters()},
       {"weight_bytes", runner.weight_bytes()},
       {"shape", runner.shape()},
       {"lengths", runner.lengths()},
       {"resident_before", runner.resident_before()},
       {"made_seconds", made},
       {"first_step_seconds", first},
       {"since_start_seconds", since_start},
       {"needed_flops_per_token", needed / all_tokens},
       {"machine", machine_json(runner.threads())}});
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string verb;
    int n = 0;
    words >> verb >> n;
    if (verb == "quit") return;
    if (verb == "peak") {
      say({{"event", "peak"}, {"peak_gflops", engine::measure_peak_gflops(runner.threads(), 0.1)}});
      continue;
    }
    engine::check(verb == "run" && n > 0, "serve", "'", line, "' is no request",
                  engine::hint("say run N, peak or quit"));
    engine::Json seconds = engine::Json::array();
    int64_t tokens = 0;
    for (int i = 0; i < n; ++i) {
      const StepTime step = runner.step();
      seconds.push_back(step.whole);
      tokens += step.tokens;
    }
    say({{"event", "ran"},
         {"tokens", tokens},
         {"seconds", seconds},
         {"resident_peak", peak_resident_bytes()}});
  }
}

}  // namespace bench
