// The state of a run, for --resume.
#include "engine/io/training_state.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  engine::read_training_state(fuzz::folder().write("training_state.safetensors", input));
}
