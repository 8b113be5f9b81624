// A safetensors file: its header, and every value that it promises.
#include "engine/io/safetensors.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto file = engine::Safetensors::open(fuzz::folder().write("w.safetensors", input));
  std::vector<engine::Scalar> values;
  for (const auto& [name, tensor] : file.tensors()) {
    if (tensor.is_float()) {
      values.resize(static_cast<size_t>(tensor.count()));
      tensor.read(values.data());
    } else {
      tensor.read_integers();
    }
  }
}
