// Exceptions to exit codes, and command lines with helpful errors: what every main() here does.
//
//   int main(int argc, char** argv) {
//     return apps::guarded([&] {
//       cxxopts::Options options("compare", "...");
//       options.add_options()...;
//       const auto flags = apps::parse_flags(options, argc, argv);
//       ...
//       return 0;
//     });
//   }
#pragma once

#include <cxxopts.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/common/number_flag.h"
#include "engine/base/error.h"
#include "engine/base/nearest.h"

namespace apps {

// A wrong command line: exit code 2. Other errors: 1.
class UsageError : public engine::Error {
 public:
  using engine::Error::Error;
};

// The exit code when the reader of stdout left before the end (`compare runs | head`), as of a
// program that SIGPIPE ended: 128 + 13. Without a message: the reader knows.
constexpr int kReaderGone = 141;

// Runs `body` and returns its result. Any exception becomes one message "error: ..." on stderr
// (with its hint on a line of its own): UsageError gives 2, all others (engine::Error, no memory,
// file system, JSON ...) give 1. Output that could not be written (a full disk behind stdout) is an
// error as well; a run goes on when its output's reader leaves, and ends with kReaderGone.
int guarded(const std::function<int()>& body);

using engine::nearest;

// options.parse, with cxxopts' exceptions turned into UsageError: "unknown flag --stratgy, did you
// mean --strategy?". Flags may be spelled as Hugging Face's scripts spell them (command_line.h),
// and the help that `options` gives afterwards is as wide as the terminal.
cxxopts::ParseResult parse_flags(cxxopts::Options& options, int argc, const char* const* argv);

}  // namespace apps
