// The directory of a zip archive, and every byte that it promises.
#include "engine/io/zip_directory.h"
#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  unsigned sum = 0;
  for (const auto& [name, bytes] : engine::zip_directory(std::as_bytes(std::span(input)), "input"))
    for (const std::byte b : bytes) sum += static_cast<unsigned>(b);
  static volatile unsigned read = 0;
  read = sum;
}
