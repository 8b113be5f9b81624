// The command line of glue_finetune.
#pragma once

#include "apps/finetune/settings.h"

namespace apps {

struct FinetuneCommand {
  FinetuneSettings settings;
  bool help = false, dry_run = false, json = false;
  std::string help_text;
};

// Throws UsageError for a wrong command line.
FinetuneCommand parse_finetune(int argc, const char* const* argv);

}  // namespace apps
