// peft generate: a causal model writes on from prompts, an encoder-decoder writes for sources.
#pragma once

#include <iosfwd>

namespace apps {

// `peft generate ARGUMENTS`; argv[0] is the program. The exit code. `in_is_terminal`: a person
// types there, and `in` is not waited for unless --prompts is -.
int generate_command(int argc, const char* const* argv, std::istream& in, bool in_is_terminal,
                     std::ostream& out, std::ostream& notes);

}  // namespace apps
