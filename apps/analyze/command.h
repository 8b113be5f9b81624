#pragma once

namespace apps {

// peft analyze biases|lora|layers|scores: what finished runs have learned, as tables and pictures.
int analyze_command(int argc, const char* const* argv);

}  // namespace apps
