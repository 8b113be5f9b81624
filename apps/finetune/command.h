// peft finetune: its command line.
#pragma once

#include <string>

#include "run/settings.h"

namespace apps {

struct FinetuneCommand {
  run::FinetuneSettings settings;
  bool explain = false;  // only print what the strategy does
  bool dry_run = false, json = false;
  std::string preset, note;  // its name, and a text about what it sets
  std::string help;          // what to print instead of running: --help or --version was given
};

// Throws UsageError for a wrong command line.
FinetuneCommand parse_finetune(int argc, const char* const* argv);

// `peft finetune ARGUMENTS`; argv[0] is the program. Returns the exit code.
int finetune_command(int argc, const char* const* argv);

}  // namespace apps
