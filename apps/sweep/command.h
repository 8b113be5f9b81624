// peft sweep: its command line, and what it shows.
#pragma once

namespace apps {

// `peft sweep ARGUMENTS`; argv[0] is the program. Returns the exit code.
int sweep_command(int argc, const char* const* argv);

}  // namespace apps
