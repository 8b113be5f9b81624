// The command line of `compare`.
#pragma once

namespace apps {

// Prints to stdout what was asked for; throws UsageError and engine::Error. Returns the exit code.
int compare_command(int argc, const char* const* argv);

}  // namespace apps
