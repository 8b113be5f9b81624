#include "apps/compare/command.h"

#include <iostream>

#include "apps/common/main_guard.h"
#include "apps/common/table.h"
#include "apps/compare/report.h"
#include "engine/io/atomic_file.h"

namespace apps {

int compare_command(int argc, const char* const* argv) {
  cxxopts::Options options("compare",
                           "Finished runs as a table by task and strategy, averaged over seeds.\n");
  options.positional_help("RUN...").custom_help("[OPTION...]");
  options.add_options()(
      "sort",
      "within a task: strategy (by trainable parameters), score, trainable, seconds, memory, flops",
      cxxopts::value<std::string>()->default_value("strategy"), "KEY")(
      "markdown", "write the table as Markdown; - is stdout", cxxopts::value<std::string>(),
      "FILE")("csv", "write plain numbers as CSV; - is stdout", cxxopts::value<std::string>(),
              "FILE")("html", "write a page with the table and charts; - is stdout",
                      cxxopts::value<std::string>(), "FILE")("h,help", "this text");
  options.add_options("hidden")("runs", "run folders, or folders that hold some",
                                cxxopts::value<std::vector<std::string>>());
  options.parse_positional({"runs"});
  const auto flags = parse_flags(options, argc, argv);
  if (flags.count("help")) {
    std::cout
        << options.help({""})
        << "\nRUN is a folder that glue_finetune --out wrote, or one that holds such folders.\n";
    return 0;
  }
  if (!flags.count("runs"))
    throw UsageError(engine::concat("no run was given",
                                    engine::hint("compare runs/ takes every run below runs/")));
  const Comparison comparison = compare_runs(
      find_runs(flags["runs"].as<std::vector<std::string>>()), flags["sort"].as<std::string>());

  bool printed = false;
  const auto write = [&](const char* flag, std::string (*report)(const Comparison&)) {
    if (!flags.count(flag)) return;
    const auto file = flags[flag].as<std::string>();
    if (file != "-") {
      engine::write_file_atomically(file, report(comparison));
      return;
    }
    if (printed) throw UsageError("two formats cannot both go to stdout");
    std::cout << report(comparison);
    printed = true;
  };
  write("markdown", markdown_report);
  write("csv", csv_report);
  write("html", html_report);
  if (!printed) {
    std::cout << terminal_report(comparison, terminal_width());
    for (const char* flag : {"markdown", "csv", "html"})
      if (flags.count(flag)) std::cout << "written to " << flags[flag].as<std::string>() << "\n";
  }
  engine::check(!comparison.groups.empty(), "compare", "none of ", comparison.uncounted.size(),
                " runs is finished");
  return 0;
}

}  // namespace apps
