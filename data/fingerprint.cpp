#include "data/fingerprint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace data {

std::string fingerprint(std::string_view text) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, XXH3_128bits(text.data(), text.size()));
  constexpr char kHex[] = "0123456789abcdef";
  std::string digits;
  for (const unsigned char byte : bytes.digest) {
    digits += kHex[byte >> 4];
    digits += kHex[byte & 15];
  }
  return digits;
}

}  // namespace data
