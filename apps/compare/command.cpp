#include "apps/compare/command.h"

#include <iostream>

#include "apps/common/main_guard.h"
#include "apps/common/table.h"
#include "apps/compare/report.h"
#include "apps/compare/submission.h"
#include "engine/base/atomic_file.h"

namespace apps {
namespace {

struct Format {
  const char* flag;
  const char* help;
  std::string (*write)(const Summary&);
};

constexpr Format kFormats[] = {
    {"markdown", "write the tables as Markdown; - is stdout", markdown_report},
    {"csv", "write plain numbers as CSV; - is stdout", csv_report},
    {"latex", "write the table by task for a paper (booktabs); - is stdout", latex_report},
    {"json", "write every run in the layout of PEFT's method_comparison; - is stdout", json_report},
    {"html", "write one page with tables and charts; - is stdout", html_report}};

}  // namespace

int compare_command(int argc, const char* const* argv) {
  cxxopts::Options options("peft compare",
                           "Finished runs as a table by task and strategy, averaged over seeds.\n");
  options.positional_help("RUN...").custom_help("[OPTION...]");
  options.add_options()(
      "sort",
      "within a task: strategy (by trainable parameters), score, trainable, seconds, memory, flops",
      cxxopts::value<std::string>()->default_value("strategy"), "KEY");
  for (const Format& format : kFormats)
    options.add_options()(format.flag, format.help, cxxopts::value<std::string>(), "FILE");
  options.add_options()("submission",
                        "write the zip that GLUE's site takes: the best strategy of each task",
                        cxxopts::value<std::string>(), "FILE")(
      "submission-strategy", "send the predictions of this strategy alone",
      cxxopts::value<std::string>(), "SPEC")("h,help", "this text");
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
  std::string to_stdout;
  for (const Format& format : kFormats)
    if (flags.count(format.flag) && flags[format.flag].as<std::string>() == "-") {
      if (!to_stdout.empty())
        throw UsageError("--" + to_stdout + " and --" + format.flag + " cannot both go to stdout");
      to_stdout = format.flag;
    }

  const Comparison comparison = compare_runs(
      find_runs(flags["runs"].as<std::vector<std::string>>()), flags["sort"].as<std::string>());
  const Summary summary = summarise(comparison);
  std::string written;
  for (const Format& format : kFormats) {
    if (!flags.count(format.flag)) continue;
    const auto file = flags[format.flag].as<std::string>();
    if (file == "-") {
      std::cout << format.write(summary);
    } else {
      engine::write_file_atomically(file, format.write(summary));
      written += "written to " + file + "\n";
    }
  }
  if (flags.count("submission")) {
    const auto file = flags["submission"].as<std::string>();
    const Submission submission = make_submission(
        summary, flags.count("submission-strategy") ? flags["submission-strategy"].as<std::string>()
                                                    : std::string());
    engine::write_file_atomically(file, submission.zip);
    written += "submission " + file + "\n";
    for (const std::string& line : submission.lines) written += "  " + line + "\n";
  }
  if (to_stdout.empty()) std::cout << terminal_report(summary, terminal_width()) << written;
  engine::check(!comparison.groups.empty(), "compare", "none of ", comparison.uncounted.size(),
                " runs is finished",
                engine::hint("the list above says why; --resume goes on with an interrupted run"));
  return 0;
}

}  // namespace apps
