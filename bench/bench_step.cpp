// bench_step: tokens per second and share of the machine's measured FMA peak of a training step, by
// strategy.
#include <iostream>
#include <sstream>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/precision_flags.h"
#include "apps/common/table.h"
#include "bench/machine.h"
#include "bench/serve.h"
#include "bench/shapes.h"
#include "bench/step.h"

namespace {

struct Command {
  bench::StepCase c;
  std::vector<std::string> strategies{"frozen",          "bitfit", "ia3", "lora",
                                      "adapter:size=64", "prefix", "full"};
  bool json = false, by_op = false, serve = false;
  std::string save, help;
};

Command parse(int argc, char** argv) {
  Command command;
  bench::StepCase& c = command.c;
  bool help = false;
  apps::PrecisionFlags precision;
  cxxopts::Options options("bench_step",
                           "Times training steps; every token exists, there is no padding.");
  // clang-format off
  options.add_options()
      ("model", "tiny, mini, electra-small, minilm, base, random:..., a folder or a config.json (random:layers=4,hidden=256)",
       cxxopts::value<std::string>(c.model), "MODEL")
      ("strategy", "several with spaces between them (all kinds)", cxxopts::value<std::string>(), "SPECS")
      ("batch", "sequences (32)", cxxopts::value<int>(c.batch), "N")
      ("lengths", "tokens of the sequences in turn, with commas; or drawn as in sst2, cola (128)",
       cxxopts::value<std::string>(c.lengths), "N,N")
      ("batches", "different batches, taken in turn (1; with sst2 and cola 8)", cxxopts::value<int>(c.batches), "N")
      ("micro-batch-tokens", "computed at a time, 0: the whole batch (1024, fewer if layers are wider than 1536)", cxxopts::value<int64_t>(c.piece_tokens), "N")
      ("dropout", "(0.1)", cxxopts::value<double>(c.dropout), "P")
      ("clip", "of the gradient norm, 0: none (1)", cxxopts::value<double>(c.clip), "NORM")
      ("threads", "0: all (0)", cxxopts::value<int>(c.threads), "N")
      ("steps", "timed steps (10)", cxxopts::value<int>(c.steps), "N")
      ("ops", "milliseconds by op too", cxxopts::value<bool>(command.by_op))
      ("save", "only write the model as a folder, to start from", cxxopts::value<std::string>(command.save), "DIR")
      ("json", "a JSON line a case", cxxopts::value<bool>(command.json))
      ("serve", "one case that steps on request from stdin (bench/serve.h)", cxxopts::value<bool>(command.serve))
      ("help", "this text", cxxopts::value<bool>(help));
  // clang-format on
  precision.add_to(options);
  const auto flags = apps::parse_flags(options, argc, argv);
  if (help) command.help = options.help();
  precision.use();
  c.precision = precision.chosen();
  if (c.steps < 1 || c.batch < 1 || c.batches < 1)
    throw apps::UsageError("bench_step: --steps, --batch and --batches must be at least 1");
  if (!flags.count("batches") && (c.lengths == "sst2" || c.lengths == "cola")) c.batches = 8;
  if (flags.count("strategy")) {
    std::istringstream words(flags["strategy"].as<std::string>());
    command.strategies.assign(std::istream_iterator<std::string>(words), {});
  }
  if (command.serve && command.strategies.size() != 1)
    throw apps::UsageError("bench_step: --serve takes one --strategy");
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  return apps::guarded([&] {
    Command command = parse(argc, argv);
    if (!command.help.empty()) {
      std::cout << command.help;
      return 0;
    }
    bench::StepCase& c = command.c;
    if (command.serve) {
      c.strategy = command.strategies.front();
      bench::serve(c, std::cin, std::cout);
      return 0;
    }
    if (!command.save.empty()) {
      std::filesystem::create_directories(command.save);
      bench::StepRunner(c).save(command.save);
      return 0;
    }
    using apps::Align;
    apps::Table table({{"strategy"},
                       {"trained", Align::right},
                       {"tokens/s", Align::right},
                       {"ms/step", Align::right},
                       {"forward", Align::right},
                       {"backward", Align::right},
                       {"optimizer", Align::right},
                       {"peak", Align::right},
                       {"needed", Align::right},
                       {"GFLOP", Align::right},
                       {"needed", Align::right},
                       {"tensors", Align::right},
                       {"memory", Align::right}});
    std::string by_op;
    for (const std::string& strategy : command.strategies) {
      c.strategy = strategy;
      const bench::StepResult r = bench::run_step(c);
      if (command.json) {
        std::cout << engine::json_text(r.to_json(c)) << std::endl;
        continue;
      }
      table.add({strategy, apps::format_count(r.trained_parameters),
                 apps::format_rate(r.tokens_per_second()), apps::format_number(r.step_ms, 1),
                 apps::format_number(r.forward_ms, 1), apps::format_number(r.backward_ms, 1),
                 apps::format_number(r.optimizer_ms, 1),
                 apps::format_percent(100 * r.share_of_peak()),
                 apps::format_percent(100 * r.needed_share_of_peak()),
                 apps::format_number(r.work.flops() * 1e-9, 1),
                 apps::format_number(r.work.needed_flops() * 1e-9, 1),
                 apps::format_bytes(static_cast<double>(r.tensor_bytes_peak)),
                 apps::format_bytes(static_cast<double>(r.resident_above_weights()))});
      if (command.by_op) by_op += "\n" + strategy + "\n" + bench::profile_table(r);
    }
    if (!command.json)
      std::cout << c.model << ", " << c.batch << " sequences of " << c.lengths
                << " tokens; 'peak' is the share of the FMA peak measured beside the steps, "
                   "'needed' counts only products that the\n"
                   "result needs; 'memory' is resident above the weights, its peak\n"
                << table.text(apps::terminal_width()) << by_op;
    return 0;
  });
}
