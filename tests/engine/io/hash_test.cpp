#include "engine/io/hash.h"

#include <doctest/doctest.h>

#include "engine/base/error.h"
#include "tests/support/paths.h"

using namespace engine;

TEST_CASE("digests are those of xxhsum -H2") {
  // From xxHash's own documentation and test vectors: XXH3-128 of nothing with seed 0.
  CHECK(hash_bytes(nullptr, 0) == "99aa06d3014798d86001c324468d497f");
  CHECK(Hash().hex() == "99aa06d3014798d86001c324468d497f");
  CHECK(hash_bytes("a", 1) == "a96faf705af16834e6c632b61e964e1f");
}

TEST_CASE("streaming, at once and from a file agree") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += static_cast<char>(i * 31 % 251);
  Hash hash;
  for (size_t at = 0; at < text.size(); at += 777) hash.add(std::string_view(text).substr(at, 777));
  const testing::TempDir dir;
  testing::write_file(dir / "data", text);
  CHECK(hash.hex() == hash_bytes(text.data(), text.size()));
  CHECK(hash.hex() == hash_file(dir / "data"));
  text[5000] ^= 1;
  CHECK(hash.hex() != hash_bytes(text.data(), text.size()));
  CHECK_THROWS_WITH_AS(hash_file(dir / "none"),
                       doctest::Contains("none: cannot be opened: No such file"), Error);
}
