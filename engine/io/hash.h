// XXH3-128 digests as 32 hexadecimal digits: fingerprints of models and data in run records,
// checksums of states.
//
// The digits are those of `xxhsum -H2` (canonical, big-endian). Fast and not cryptographic: it
// finds damage, not malice.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace engine {

class Hash {
 public:
  Hash();
  void add(const void* data, size_t bytes);
  void add(std::string_view text) { add(text.data(), text.size()); }
  std::string hex() const;  // of what was added so far

 private:
  std::unique_ptr<void, void (*)(void*)> state_;
};

std::string hash_bytes(const void* data, size_t bytes);
std::string hash_file(
    const std::filesystem::path& path);  // throws engine::Error if it cannot be read

}  // namespace engine
