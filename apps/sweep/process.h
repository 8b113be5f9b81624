// A run of a sweep as a process of its own.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "run/sweep/state.h"

namespace apps {

// Starts `program` (path, then arguments) with `flags` behind it; stdout and stderr are appended to
// `log`. It is in a process group of its own, so Ctrl-C at the terminal does not reach it; it is
// sent SIGTERM when this process dies, and holds the claim as long as it lives. Returns its id.
// Throws engine::Error if there can be no new process.
pid_t launch(const std::vector<std::string>& program, const std::vector<std::string>& flags,
             const std::filesystem::path& log, const run::Claim& claim);

// This program, to start it again.
std::string own_program();

}  // namespace apps
