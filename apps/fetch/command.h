// Models of the hub: fetching them, and the cache that holds them.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace apps {

// `peft fetch ARGUMENTS`; argv[0] is the program. Returns the exit code.
int fetch_command(int argc, const char* const* argv);
// `peft cache list|verify|remove ARGUMENTS`.
int cache_command(int argc, const char* const* argv);

}  // namespace apps
