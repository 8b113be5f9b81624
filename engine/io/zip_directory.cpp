// PKWARE's APPNOTE.TXT: a record at the end names the central directory, whose entries name the
// local headers, behind which the bytes lie. Numbers are little-endian.
#include "engine/io/zip_directory.h"

#include <cstdint>
#include <cstring>

#include "engine/base/error.h"

namespace engine {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr uint32_t kEntry = 0x02014b50, kLocal = 0x04034b50;
constexpr uint32_t kIn64 = 0xffffffff;  // the value is in a zip64 field

struct Archive {
  Bytes bytes;
  const std::string& where;

  template <class T>
  T at(uint64_t offset) const {
    check(offset <= bytes.size() && sizeof(T) <= bytes.size() - offset, where,
          "is cut short: its zip directory points behind its end (byte ", offset, " of ",
          bytes.size(), ")");
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  }

  std::string text(uint64_t offset, size_t length) const {
    if (length == 0) return "";
    at<std::byte>(offset + length - 1);
    return {reinterpret_cast<const char*>(bytes.data()) + offset, length};
  }
};

struct Directory {
  uint64_t entries = 0, offset = 0;
};

Directory find_directory(const Archive& a) {
  // The end record has 22 bytes and a comment of at most 65535.
  const uint64_t size = a.bytes.size();
  for (uint64_t back = 22; back <= size && back <= 22 + 65535; ++back) {
    const uint64_t end = size - back;
    if (a.at<uint32_t>(end) != kEnd) continue;
    Directory d{a.at<uint16_t>(end + 10), a.at<uint32_t>(end + 16)};
    if (end >= 20 && a.at<uint32_t>(end - 20) == kLocator64) {
      const auto end64 = a.at<uint64_t>(end - 20 + 8);
      check(a.at<uint32_t>(end64) == kEnd64, a.where, "has a damaged zip64 directory");
      d = {a.at<uint64_t>(end64 + 32), a.at<uint64_t>(end64 + 48)};
    }
    return d;
  }
  fail(a.where, "is no whole zip archive: its directory, which stands at the end, is missing",
       hint("was all of it downloaded?"));
}

}  // namespace

std::map<std::string, Bytes> zip_directory(Bytes archive, const std::string& where) {
  const Archive a{archive, where};
  const Directory directory = find_directory(a);
  std::map<std::string, Bytes> files;
  uint64_t at = directory.offset;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    check(a.at<uint32_t>(at) == kEntry, where, "has a damaged zip directory (entry ", i, ")");
    const auto flags = a.at<uint16_t>(at + 8), method = a.at<uint16_t>(at + 10);
    uint64_t packed = a.at<uint32_t>(at + 20), size = a.at<uint32_t>(at + 24);
    const auto name_length = a.at<uint16_t>(at + 28), extra_length = a.at<uint16_t>(at + 30);
    const auto comment_length = a.at<uint16_t>(at + 32);
    uint64_t local = a.at<uint32_t>(at + 42);
    const std::string name = a.text(at + 46, name_length);
    // Extra fields: id, length, bytes. Id 1 has the large ones of size, packed size and offset.
    const uint64_t extra_end = at + 46 + name_length + extra_length;
    for (uint64_t e = at + 46 + name_length; e + 4 <= extra_end;) {
      const auto id = a.at<uint16_t>(e), length = a.at<uint16_t>(e + 2);
      uint64_t field = e + 4;
      const uint64_t field_end = field + length;
      for (uint64_t* value : {&size, &packed, &local})
        if (id == 1 && *value == kIn64 && field + 8 <= field_end) {
          *value = a.at<uint64_t>(field);
          field += 8;
        }
      e = field_end;
    }
    at = extra_end + comment_length;
    check(method == 0 && (flags & 1) == 0 && packed == size, where, "its part ", name, " is ",
          flags & 1 ? "encrypted" : "compressed", ", which torch.save does not do");
    check(a.at<uint32_t>(local) == kLocal, where, "its part ", name, " is not where it should be");
    const uint64_t data = local + 30 + a.at<uint16_t>(local + 26) + a.at<uint16_t>(local + 28);
    check(data <= archive.size() && size <= archive.size() - data, where, "its part ", name,
          " is cut short");
    check(files.emplace(name, archive.subspan(data, size)).second, where, "has two parts named ",
          name);
  }
  return files;
}

}  // namespace engine
