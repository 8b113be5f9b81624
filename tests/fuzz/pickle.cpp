// A pickle: what it would build, with every name allowed that PyTorch's files have.
#include "engine/io/pickle.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const engine::Pickle pickle(std::as_bytes(std::span(input)), "input", [](std::string_view name) {
    return name.starts_with("torch.") || name.starts_with("collections.");
  });
  size_t items = 0;
  for (const engine::PickleNode& node : pickle.nodes())
    for (const engine::PickleNode* item : node.items) items += static_cast<size_t>(item->kind);
  if (pickle.size() > input.size()) std::abort();
}
