// A GGUF file: its metadata, every value that it promises, and the model that it says it is.
#include "engine/io/gguf.h"

#include "models/gguf.h"
#include "models/pretrained.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto path = fuzz::folder().write("model.gguf", input);
  const engine::Gguf file = engine::Gguf::open(path);
  std::vector<engine::Scalar> values;
  const auto read = [&](const engine::SafeTensor& tensor) {
    if (!tensor.is_float()) {
      tensor.read_integers();
      return;
    }
    values.resize(static_cast<size_t>(tensor.count()));
    tensor.read(values.data());
  };
  for (const auto& [name, tensor] : file.tensors()) read(file.tensor(name));
  const engine::Checkpoint found = models::gguf_checkpoint(file);
  for (const auto& [name, tensor] : found.tensors()) read(tensor);
  models::open_model(path.string());
}
