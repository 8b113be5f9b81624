// A file of torch.save, in the older form or as a zip archive, and every value that it promises.
#include "engine/io/torch_file.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  std::vector<engine::Scalar> values;
  for (const auto& [name, tensor] :
       engine::read_torch_file(fuzz::folder().write("pytorch_model.bin", input))) {
    if (tensor.is_float()) {
      values.resize(static_cast<size_t>(tensor.count()));
      tensor.read(values.data());
    } else {
      tensor.read_integers();
    }
  }
}
