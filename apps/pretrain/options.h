// The command line of peft pretrain.
#pragma once

#include <string>

#include "run/pretrain/settings.h"

namespace apps {

// Throws UsageError; `help` gets the help text when it was asked for.
run::PretrainSettings parse_pretrain_options(int argc, const char* const* argv, std::string* help);

}  // namespace apps
