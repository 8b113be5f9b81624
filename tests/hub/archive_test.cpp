// Zip files that want to do harm, and those that are damaged.
#include "hub/archive.h"

#include "tests/hub/zips.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"

namespace fs = std::filesystem;
using testing::contains;
using testing::message_of;
using testing::TempDir;
using testing::write_zip;

namespace {

// The message of unpacking {"A/x": "x"}; the files that were written are in out/.
std::string unpacked(const TempDir& dir, int64_t most = 1'000'000) {
  fs::remove_all(dir / "out");
  fs::create_directories(dir / "out");
  return message_of([&] {
    hub::unpack(dir / "a.zip", "a.zip", {{"A/x", "x"}}, dir / "out", most);
  });
}

}  // namespace

TEST_CASE("only the files that are wanted come out") {
  const TempDir dir;
  const std::string large(300'000, 'a');
  write_zip(dir / "a.zip",
            {{"A/y", "no"}, {"A/x", large}, {"__MACOSX/A/x", "no"}, {"A/Icon\r", ""}, {"x", "no"}});
  CHECK(unpacked(dir) == "");
  CHECK(testing::read_file(dir / "out" / "x") == large);
  CHECK(std::distance(fs::directory_iterator(dir / "out"), {}) == 1);
  // Bytes that are nothing in the archive are many outside.
  CHECK(fs::file_size(dir / "a.zip") < 5000);
  CHECK(contains(unpacked(dir, 299'999), "unpacks to far more"));
}

TEST_CASE("an archive that leads out of its folder is refused as a whole") {
  const TempDir dir;
  for (const char* name : {"../x", "A/../../x", "/tmp/x", "..\\x", "A/.."}) {
    CAPTURE(name);
    write_zip(dir / "a.zip", {{name, "evil"}, {"A/x", "x"}});
    CHECK(contains(unpacked(dir), "leads out of its folder"));
    CHECK(!fs::exists(dir / "x"));
  }
}

TEST_CASE("links, doubles and missing files") {
  const TempDir dir;
  write_zip(dir / "a.zip", {{"A/x", "", "/etc/passwd"}});
  CHECK(contains(unpacked(dir), "is a link"));
  CHECK(fs::is_empty(dir / "out"));
  write_zip(dir / "a.zip", {{"A/y", "", "/etc"}, {"A/x", "x"}});
  CHECK(unpacked(dir) == "");  // a link that nobody wants is not made
  write_zip(dir / "a.zip", {{"A/x", "x"}, {"A/x", "y"}});
  CHECK(contains(unpacked(dir), "A/x twice"));
  write_zip(dir / "a.zip", {{"B/x", "x"}});
  CHECK(contains(unpacked(dir), "has no A/x"));
}

TEST_CASE("cut at every byte, or with a wrong one") {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 200; ++i) text += std::to_string(i * i) + "\n";
  write_zip(dir / "whole.zip", {{"A/x", text}, {"A/y", "y"}});
  const std::string whole = testing::read_file(dir / "whole.zip");
  for (size_t size = 0; size < whole.size(); ++size) {
    testing::write_file(dir / "a.zip", whole.substr(0, size));
    CAPTURE(size);
    CHECK(unpacked(dir) != "");
  }
  // The contents have a checksum; what else differs has no consequence, or is refused.
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string wrong = whole;
    wrong[at] = static_cast<char>(wrong[at] ^ 0x10);
    testing::write_file(dir / "a.zip", wrong);
    CAPTURE(at);
    if (unpacked(dir).empty()) CHECK(testing::read_file(dir / "out" / "x") == text);
  }
  testing::write_file(dir / "a.zip", "<html>Log in</html>");
  CHECK(contains(unpacked(dir), "not a whole zip"));
}
