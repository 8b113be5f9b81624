// The command line of one sub-command: help that fits the terminal, -h, --version, and the flags'
// names as Hugging Face's scripts spell them.
//
//   CommandLine line("peft merge", "Folds an adapter into its base model.");
//   line.options.add_options()("model", "base model", cxxopts::value<std::string>(), "MODEL");
//   const auto flags = line.parse(argc, argv);
//   if (line.answered(std::cout)) return 0;      // --help or --version
#pragma once

#include <cxxopts.hpp>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "apps/common/number_flag.h"

namespace apps {

class CommandLine {
 public:
  // `groups`: of options, in the order of the help; "" is the unnamed one.
  CommandLine(const std::string& program, const std::string& about,
              std::vector<std::string> groups = {""});

  // As parse_flags. Sets `help` and `version`.
  cxxopts::ParseResult parse(int argc, const char* const* argv);
  std::string help_text() const { return options.help(groups_); }
  // Prints what was asked for instead of the command's work; whether there was anything.
  bool answered(std::ostream& out) const;

  cxxopts::Options options;
  bool help = false, version = false;

 private:
  std::vector<std::string> groups_;
};

// "peft 0.1.0 (revision, compiler)\n"
std::string version_text();

// Columns for a help text: the terminal's, 80 in a pipe, at least 40.
int help_width();

// Breaks every line of `text` that is wider than `width` at spaces; what follows is indented.
std::string wrap(std::string_view text, int width, int indent);

// The flag of ours that one of Hugging Face's means: "learning_rate" -> "lr". Underscores become
// hyphens; a name that is not known is returned as it is otherwise. Throws UsageError for a flag
// that needs another decision here ("save_steps": ours counts seconds).
std::string our_flag(const std::string& name, const std::vector<std::string>& known);

}  // namespace apps
