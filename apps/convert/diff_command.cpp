#include <iostream>
#include <memory>

#include "apps/common/command_line.h"
#include "apps/common/main_guard.h"
#include "apps/common/plain_text.h"
#include "apps/common/progress.h"
#include "apps/common/signals.h"
#include "apps/common/table.h"
#include "apps/convert/diff.h"
#include "apps/convert/opened.h"

namespace apps {
namespace {

struct DiffStopped {};

constexpr int64_t kWorthComparing = 100'000'000;  // values; fewer take a moment

int diff(const std::string& a, const std::string& b, bool json, bool ignore_dtype) {
  std::unique_ptr<Progress> progress;
  const auto show = [&](int64_t values, int64_t all) {
    if (stop_requested()) throw DiffStopped();
    if (all < kWorthComparing) return;
    if (!progress)
      progress = std::make_unique<Progress>(std::max<int64_t>(1, all / 1'000'000),
                                            ProgressOptions{.label = "million values"});
    if (progress->due(values / 1'000'000)) progress->update(values / 1'000'000, {});
    if (values == all) progress->finish();
  };
  const CheckpointDifference difference =
      compare_checkpoints(open_checkpoint(a).tensors, open_checkpoint(b).tensors, show);
  if (json) {
    std::cout << engine::json_text(difference_json(difference, a, b, ignore_dtype), 2) << '\n';
  } else {
    // Names come from the files.
    std::cout << plain_text(difference_text(difference, ignore_dtype, terminal_width()), "\n");
  }
  return difference.equal(ignore_dtype) ? 0 : 1;
}

}  // namespace

int diff_command(int argc, const char* const* argv) {
  std::vector<std::string> paths;
  bool json = false, ignore_dtype = false;
  CommandLine line(
      "peft diff",
      "Compares two checkpoints: names that only one has, shapes, types, and the largest "
      "change of each tensor, absolute and over the largest value of A. Exit code 0: "
      "equal, 1: different, 2: one cannot be read.");
  auto add = line.options.add_options();
  add("json", "JSON instead of a table", cxxopts::value<bool>(json));
  add("ignore-dtype", "equal values of another type are equal", cxxopts::value<bool>(ignore_dtype));
  line.options.add_options("hidden")("paths", "", cxxopts::value<std::vector<std::string>>(paths));
  line.options.parse_positional({"paths"});
  line.options.positional_help("A B");
  if (argc == 1) {
    std::cout << "usage: peft diff A B [--json] [--ignore-dtype]\n"
                 "peft diff --help explains all flags.\n";
    return 2;
  }
  line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  if (paths.size() != 2)
    throw UsageError(engine::concat("diff: ", paths.size(),
                                    " checkpoints were given, two are needed",
                                    engine::hint("peft diff A B")));
  watch_stop_signals();
  try {
    return diff(paths[0], paths[1], json, ignore_dtype);
  } catch (const DiffStopped&) {
    return stop_exit_code();
  } catch (const engine::Error& e) {  // 1 says that they differ
    throw UsageError(e.what());
  }
}

}  // namespace apps
