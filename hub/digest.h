// Whether a file is what its ETag says. The hub's tags are digests: SHA-256 of large files, and of
// small ones git's blob SHA-1, which is the SHA-1 of "blob <size>\0" and the contents.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace hub {

enum class DigestKind { none, sha256, git };
// By the tag's form: 64 or 40 hexadecimal digits. none: nothing can be checked.
DigestKind digest_kind(const std::string& etag);
// False in a build without OpenSSL.
bool digests_available();

// The digest of a file, in hexadecimal; `size` is its whole size. Throws engine::Error if it cannot
// be read.
std::string digest_of(const std::filesystem::path& file, DigestKind kind, int64_t size);

// Digests a file while another thread writes it, so that the check costs no time of its own. It
// reads what is in the file, not what came over the wire: what was there before is checked too.
class GrowingDigest {
 public:
  GrowingDigest(const std::filesystem::path& file, DigestKind kind, int64_t size);
  ~GrowingDigest();
  GrowingDigest(const GrowingDigest&) = delete;
  GrowingDigest& operator=(const GrowingDigest&) = delete;

  void written(int64_t bytes);  // the file holds this many now
  std::string finish();         // waits for the last of written()

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hub
