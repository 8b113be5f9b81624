// A data set's archive: nothing but the wanted file comes out, in its folder and within its bound.
#include "hub/archive.h"

#include "tests/fuzz/fuzz.h"

FUZZ(input) {
  constexpr int64_t kMost = 1 << 20;
  const auto archive = fuzz::folder().write("a.zip", input);
  const std::filesystem::path out = fuzz::folder().path() / "out";
  std::filesystem::remove_all(out);
  std::filesystem::create_directories(out);
  const auto nothing_else = [&] {
    for (const auto& entry : std::filesystem::directory_iterator(out))
      if (entry.path().filename() != "x" || !entry.is_regular_file() || entry.file_size() > kMost)
        std::abort();
    for (const auto& entry : std::filesystem::directory_iterator(fuzz::folder().path()))
      if (entry.path().filename() != "a.zip" && entry.path() != out) std::abort();
  };
  try {
    hub::unpack(archive, "a.zip", {{"A/x", "x"}}, out, kMost);
  } catch (const engine::Error&) {
    nothing_else();
    throw;
  }
  nothing_else();
}
