// The index of a checkpoint in shards.
#include "engine/io/checkpoint.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  const auto [index, shard] = fuzz::halves(input);
  fuzz::folder().write("a.safetensors", shard);
  engine::Checkpoint(fuzz::folder().write("model.safetensors.index.json", index));
}
