// peft predict and peft evaluate: a trained model on new data.
#pragma once

namespace apps {

// `peft predict ARGUMENTS` and `peft evaluate ARGUMENTS`; argv[0] is the program. The exit code.
int predict_command(int argc, const char* const* argv);
int evaluate_command(int argc, const char* const* argv);

}  // namespace apps
