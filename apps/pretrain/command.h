// peft pretrain: its command line.
#pragma once

namespace apps {

// `peft pretrain ARGUMENTS`; argv[0] is the program. Returns the exit code.
int pretrain_command(int argc, const char* const* argv);

}  // namespace apps
