#include "engine/io/hash.h"

#include <xxhash.h>

#include <new>

#include "engine/io/mapped_file.h"

namespace engine {
namespace {

std::string hex_of(XXH128_hash_t digest) {
  XXH128_canonical_t bytes;  // big-endian, as xxhsum prints it
  XXH128_canonicalFromHash(&bytes, digest);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes.digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

Hash::Hash()
    : state_(XXH3_createState(), [](void* s) { XXH3_freeState(static_cast<XXH3_state_t*>(s)); }) {
  if (!state_) throw std::bad_alloc();
  XXH3_128bits_reset(static_cast<XXH3_state_t*>(state_.get()));
}

void Hash::add(const void* data, size_t bytes) {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state_.get()), data, bytes);
}

std::string Hash::hex() const {
  return hex_of(XXH3_128bits_digest(static_cast<const XXH3_state_t*>(state_.get())));
}

std::string hash_bytes(const void* data, size_t bytes) { return hex_of(XXH3_128bits(data, bytes)); }

std::string hash_file(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  return hash_bytes(file->data(), file->size());
}

}  // namespace engine
