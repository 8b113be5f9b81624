// bench_ops: every op at the sizes of known models, forward and backward, with its share of what
// the machine could do.
#include <iostream>
#include <sstream>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/table.h"
#include "bench/machine.h"
#include "bench/ops.h"
#include "bench/shapes.h"
#include "engine/base/peak.h"
#include "engine/base/threads.h"

namespace {

std::vector<std::string> cells(const std::string& name, const char* direction,
                               const bench::OpPart& p) {
  const std::string gflops = p.flops > 0 ? apps::format_number(p.gflops(), 1) : "";
  return {name,
          direction,
          apps::format_number(p.ms, 3),
          gflops,
          apps::format_number(p.gbs(), 1),
          apps::format_number(p.bound_ms, 3),
          apps::format_percent(100 * p.share())};
}

}  // namespace

int main(int argc, char** argv) {
  return apps::guarded([&] {
    bench::OpBench options;
    std::string models;
    for (const auto& name : bench::model_names()) models += name + " ";
    bool json = false, help = false;
    cxxopts::Options flags("bench_ops",
                           "Times every op against its bound: products against the FMA peak, bytes "
                           "against the bandwidth.");
    // clang-format off
    flags.add_options()
        ("model", "several with spaces between them (" + models + ")", cxxopts::value<std::string>(models), "NAMES")
        ("filter", "only names with this part: attention, frozen, adamw", cxxopts::value<std::string>(options.filter), "TEXT")
        ("batch", "sequences of 128 tokens (32, base 8)", cxxopts::value<int>(options.batch), "N")
        ("threads", "0: all (0)", cxxopts::value<int>(options.threads), "N")
        ("seconds", "of each op (0.1)", cxxopts::value<double>(options.seconds), "S")
        ("json", "a JSON line an op", cxxopts::value<bool>(json))
        ("help", "this text", cxxopts::value<bool>(help));
    // clang-format on
    apps::parse_flags(flags, argc, argv);
    if (help) {
      std::cout << flags.help();
      return 0;
    }
    using apps::Align;
    apps::Table table({{"op"},
                       {""},
                       {"ms", Align::right},
                       {"GFLOP/s", Align::right},
                       {"GB/s", Align::right},
                       {"bound ms", Align::right},
                       {"of bound", Align::right}});
    std::istringstream names(models);
    for (std::string model; names >> model;) {
      if (!json) table.section(model);
      for (const bench::OpTime& t : bench::bench_ops(model, options)) {
        if (json) {
          std::cout << engine::json_text(t.to_json()) << std::endl;
          continue;
        }
        table.add(cells(t.name, "forward", t.forward));
        if (t.backward.ms > 0) table.add(cells("", "backward", t.backward));
      }
    }
    if (json) return 0;
    const int threads = engine::set_threads(options.threads);
    std::cout << table.text() << threads << " threads: FMA peak "
              << apps::format_number(engine::measure_peak_gflops(threads), 0)
              << " GFLOP/s; triad GB/s:";
    for (const int64_t mib : {1, 4, 16, 64, 256})
      std::cout << "  " << mib << " MiB "
                << apps::format_number(bench::bandwidth_gbs(threads, mib << 20), 0);
    std::cout << "\nBytes are what an op reads and writes at least, each once; a bound uses the "
                 "triad of its own size, so caches "
                 "count.\n";
    return 0;
  });
}
