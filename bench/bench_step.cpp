// bench_step: tokens per second and share of the machine's measured FMA peak of a training step, by strategy.
#include <iostream>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/table.h"
#include "bench/step.h"

int main(int argc, char** argv) {
  return apps::guarded([&] {
    bench::StepCase c;
    std::vector<std::string> strategies;
    bool json = false, help = false;
    cxxopts::Options options("bench_step", "Times training steps; every token exists, there is no padding.");
    options.add_options()
        ("model", "random:... or a config.json (random:layers=4,hidden=256)", cxxopts::value<std::string>(c.model), "MODEL")
        ("strategy", "several with spaces between them (all kinds)", cxxopts::value<std::string>(), "SPECS")
        ("batch", "sequences (32)", cxxopts::value<int>(c.batch), "N")
        ("lengths", "tokens of the sequences in turn, with commas (128)", cxxopts::value<std::vector<int>>(c.lengths), "N,N")
        ("dropout", "(0.1)", cxxopts::value<double>(c.dropout), "P")
        ("threads", "0: all (0)", cxxopts::value<int>(c.threads), "N")
        ("steps", "timed steps (10)", cxxopts::value<int>(c.steps), "N")
        ("json", "a JSON line a case", cxxopts::value<bool>(json))
        ("help", "this text", cxxopts::value<bool>(help));
    const auto flags = apps::parse_flags(options, argc, argv);
    if (help) {
      std::cout << options.help();
      return 0;
    }
    if (c.steps < 1 || c.batch < 1) throw apps::UsageError("bench_step: --steps and --batch must be at least 1");
    strategies = {"frozen", "bitfit", "ia3", "lora", "adapter:size=64", "prefix", "full"};
    if (flags.count("strategy")) {
      std::istringstream words(flags["strategy"].as<std::string>());
      strategies.assign(std::istream_iterator<std::string>(words), {});
    }
    using apps::Align;
    apps::Table table({{"strategy"}, {"trained", Align::right}, {"tokens/s", Align::right}, {"ms/step", Align::right},
                       {"forward", Align::right}, {"backward", Align::right}, {"optimizer", Align::right}, {"peak", Align::right},
                       {"tensors", Align::right}});
    for (const std::string& strategy : strategies) {
      c.strategy = strategy;
      const bench::StepResult r = bench::run_step(c);
      if (json) {
        std::cout << engine::json_text(r.to_json(c)) << std::endl;
        continue;
      }
      table.add({strategy, apps::format_count(r.trained_parameters), apps::format_rate(r.tokens_per_second()), apps::format_number(r.step_ms, 1),
                 apps::format_number(r.forward_ms, 1), apps::format_number(r.backward_ms, 1), apps::format_number(r.optimizer_ms, 1),
                 apps::format_percent(100 * r.share_of_peak()), apps::format_bytes(static_cast<double>(r.tensor_bytes_peak))});
    }
    if (!json)
      std::cout << c.model << ", " << c.batch << " sequences; 'peak' is the share of the FMA peak measured beside the steps\n"
                << table.text(apps::terminal_width());
    return 0;
  });
}
