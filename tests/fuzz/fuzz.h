// What the targets share. A target gives bytes to one reader, as a file; engine::Error is what a
// reader may answer, anything else (another exception, a signal, a sanitizer's report, a hang) is a
// finding.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "engine/base/error.h"

namespace fuzz {

// A folder in memory of this process, for readers that take files.
class Folder {
 public:
  Folder() : path_(base() / ("peft-fuzz-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  static std::filesystem::path base() {
    return std::filesystem::is_directory("/dev/shm") ? "/dev/shm"
                                                     : std::filesystem::temp_directory_path();
  }
  std::filesystem::path path_;
};

inline const Folder& folder() {
  static const Folder one;
  return one;
}

inline std::string_view text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Cuts `all` at its first zero byte: a target with two files gets both out of one input.
inline std::pair<std::string_view, std::string_view> halves(std::string_view all) {
  const size_t zero = all.find('\0');
  if (zero == std::string_view::npos) return {all, {}};
  return {all.substr(0, zero), all.substr(zero + 1)};
}

template <class F>
int expect_error_at_most(F&& read) {
  try {
    read();
  } catch (const engine::Error&) {
  }
  return 0;
}

}  // namespace fuzz

// FUZZ(input) { ... }: the body of a target; `input` is a std::string_view.
#define FUZZ(input)                                                               \
  static void fuzz_one(std::string_view input);                                   \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {       \
    return fuzz::expect_error_at_most([&] { fuzz_one(fuzz::text(data, size)); }); \
  }                                                                               \
  static void fuzz_one(std::string_view input)
