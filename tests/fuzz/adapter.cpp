// A folder of an adapter: configuration, a zero byte, tensors.
#include "peft/adapter_file.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto [config, tensors] = fuzz::halves(input);
  fuzz::folder().write("adapter_config.json", config);
  fuzz::folder().write("adapter_model.safetensors", tensors);
  peft::load_adapter(fuzz::folder().path());
}
