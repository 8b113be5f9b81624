// Where tests find files: goldens in the repository, and shared data that may be absent.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace testing {

// The checkout and the build folder.
std::filesystem::path source_dir();
std::filesystem::path binary_dir();
inline std::filesystem::path golden(const std::string& name) {
  return source_dir() / "tests" / "golden" / name;
}

// The folder shared/ beside the checkout (or $PEFT_SHARED); prints "skipped: no shared data" when
// there is none.
//   if (auto shared = testing::shared_dir("data/glue/CoLA")) { ... }
inline std::optional<std::filesystem::path> shared_dir(const std::string& inside = "") {
  const char* given = std::getenv("PEFT_SHARED");
  std::filesystem::path path =
      (given ? std::filesystem::path(given) : source_dir().parent_path() / "shared") / inside;
  if (std::filesystem::exists(path)) return path;
  std::printf("skipped: no shared data (%s)\n", inside.c_str());
  return std::nullopt;
}

// A fresh folder under the system's temporary folder, removed with the object.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "peft-test-XXXXXX").string();
    if (!mkdtemp(pattern.data())) std::abort();
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace testing
