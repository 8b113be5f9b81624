// peft trace: one training step told in order, in the terminal, as JSON or as a page.
#pragma once

namespace apps {

// `peft trace ARGUMENTS`; argv[0] is the program. Returns the exit code.
int trace_command(int argc, const char* const* argv);

}  // namespace apps
