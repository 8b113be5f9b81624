// GGUF files by hand, right and wrong ones.
#pragma once

#include <cstring>
#include <string>
#include <vector>

namespace testing {

class RawGguf {
 public:
  explicit RawGguf(uint32_t version, uint64_t tensors = 0, uint64_t values = 0) : bytes_("GGUF") {
    number(version).number(tensors).number(values);
  }
  template <class T>
  RawGguf& number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  RawGguf& text(const std::string& text) {
    number<uint64_t>(text.size());
    bytes_ += text;
    return *this;
  }
  template <class T>
  RawGguf& value(const std::string& key, uint32_t kind, T value) {
    return text(key).number(kind).number(value);
  }
  RawGguf& value(const std::string& key, const std::string& content) {
    return text(key).number<uint32_t>(8).text(content);
  }
  // `dims` as the file has them, innermost first.
  RawGguf& tensor(const std::string& name, const std::vector<uint64_t>& dims, uint32_t type,
                  uint64_t offset) {
    text(name).number(static_cast<uint32_t>(dims.size()));
    for (const uint64_t d : dims) number(d);
    return number(type).number(offset);
  }
  RawGguf& align() { return pad((32 - bytes_.size() % 32) % 32); }
  RawGguf& pad(size_t n) {
    bytes_.append(n, '\0');
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace testing
