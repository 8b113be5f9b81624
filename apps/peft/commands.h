// The sub-commands of peft: one row each. A new command is a file with its function and a row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace apps {

struct Command {
  std::string name;                               // "finetune"
  std::string summary;                            // one line
  int (*run)(int argc, const char* const* argv);  // argv[0] is the program; the exit code
  std::string program = {};  // a name of its own, as which a link to peft runs this command
};

const std::vector<Command>& commands();

// peft COMMAND ARGUMENTS, or what the program's name says. Returns the exit code, or throws
// UsageError and engine::Error.
int run_command(int argc, const char* const* argv);

}  // namespace apps
