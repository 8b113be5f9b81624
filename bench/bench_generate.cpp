// bench_generate: what one token costs when a causal model writes, beside a copy of as many bytes.
#include <iostream>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/precision_flags.h"
#include "bench/generate.h"

int main(int argc, char** argv) {
  return apps::guarded([&] {
    bench::WriteCase c;
    bool json = false, help = false;
    apps::PrecisionFlags precision;
    cxxopts::Options options("bench_generate", "Times tokens that a causal model writes.");
    options.add_options()("model", "folder of a causal model, or random:type=llama,...",
                          cxxopts::value<std::string>(c.model), "MODEL")(
        "strategy", "unmerged (frozen)", cxxopts::value<std::string>(c.strategy), "SPEC")(
        "batch", "sequences (1)", cxxopts::value<int>(c.batch), "N")(
        "prompt", "tokens before (16)", cxxopts::value<int>(c.prompt), "N")(
        "tokens", "that are timed (32)", cxxopts::value<int>(c.tokens), "N")(
        "rounds", "of copy and tokens in turn (5)", cxxopts::value<int>(c.rounds), "N")(
        "threads", "0: all (0)", cxxopts::value<int>(c.threads), "N")(
        "json", "a JSON line", cxxopts::value<bool>(json))("help", "this text",
                                                           cxxopts::value<bool>(help));
    precision.add_to(options);
    apps::parse_flags(options, argc, argv);
    if (help || c.model.empty()) {
      std::cout << options.help();
      return help ? 0 : 2;
    }
    precision.use();
    c.precision = precision.chosen();
    if (c.batch < 1 || c.prompt < 1 || c.tokens < 1 || c.rounds < 1)
      throw apps::UsageError("bench_generate: all numbers must be at least 1");
    const bench::WriteResult r = bench::run_writing(c);
    if (json)
      std::cout << engine::json_text(r.to_json(c)) << '\n';
    else
      std::cout << c.model << ", " << c.batch
                << " sequences: " << apps::format_number(r.token_ms, 2) << " ms a token, "
                << apps::format_rate(1e3 * c.batch / r.token_ms) << " tokens/s; weights of "
                << apps::format_bytes(static_cast<double>(r.weight_bytes)) << " at "
                << apps::format_number(r.weights_gbs(), 1) << " GB/s, "
                << apps::format_percent(100 * r.share()) << " of a copy's "
                << apps::format_number(r.copy_gbs, 1) << " GB/s\n";
    return 0;
  });
}
