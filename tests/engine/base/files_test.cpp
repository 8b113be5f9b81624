#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/mapping.h"
#include "engine/base/plain_file.h"
#include "tests/support/paths.h"

using namespace engine;
using testing::read_file;
using testing::write_file;

TEST_CASE("what is no plain file is told by its kind, at once") {
  const testing::TempDir dir;
  write_file(dir / "a", "text");
  CHECK(read_plain_file(dir / "a") == "text");
  CHECK_NOTHROW(check_plain_file(dir / "a"));
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0666) == 0);
  CHECK_THROWS_WITH_AS(read_plain_file(dir / "fifo"), doctest::Contains("fifo: is a pipe"), Error);
  CHECK_THROWS_WITH_AS(Mapping(dir / "fifo"), doctest::Contains("a pipe"), Error);
  CHECK_THROWS_WITH_AS(read_plain_file(dir.path()), doctest::Contains("is a folder"), Error);
  CHECK_THROWS_WITH_AS(read_plain_file("/dev/zero"), doctest::Contains("is a device"), Error);
  CHECK_THROWS_WITH_AS(read_plain_file(dir / "none"), doctest::Contains("No such file"), Error);
  // A file whose size the system does not know in advance.
  CHECK(read_plain_file("/proc/self/status").find("Pid:") != std::string::npos);
}

TEST_CASE(
    "a mapped file that is written to, cut or grows is changed; one that is replaced is not") {
  const testing::TempDir dir;
  const auto change = [&](const std::string& name, const auto& how) {
    write_file(dir / name, std::string(100, 'a'));
    const Mapping mapping(dir / name);
    mapping.check_unchanged();
    CHECK(mapped_path_at(mapping.data() + 50) == (dir / name).string());
    how(dir / name);
    try {
      check_mappings_unchanged();
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(change("1", [](const auto& p) {
          std::filesystem::resize_file(p, 10);
        }).find("cut short while it was in use") != std::string::npos);
  CHECK(change("2", [](const auto& p) {
          std::ofstream(p, std::ios::app) << "b";
        }).find("written to while it was in use") != std::string::npos);
  CHECK(change("3", [](const auto& p) {
          // The same size: the time says it. Clocks of file systems tick some 4 ms.
          ::usleep(20000);
          std::fstream(p, std::ios::in | std::ios::out) << "b";
        }).find("written to while it was in use") != std::string::npos);
  CHECK(change("4", [](const auto& p) { write_file_atomically(p, "other"); }).empty());
  CHECK(change("5", [](const auto& p) { std::filesystem::remove(p); }).empty());
  CHECK(change("6", [](const auto&) {}).empty());
  CHECK(mapped_path_at(dir.path().c_str()) == nullptr);
}

TEST_CASE("an atomic file keeps the mode of what it replaces, and replaces no device") {
  const testing::TempDir dir;
  write_file(dir / "a", "old");
  REQUIRE(::chmod((dir / "a").c_str(), 0640) == 0);
  write_file_atomically(dir / "a", "new");
  CHECK(read_file(dir / "a") == "new");
  struct stat info {};
  REQUIRE(::stat((dir / "a").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0640);
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0666) == 0);
  CHECK_THROWS_WITH_AS(write_file_atomically(dir / "fifo", "x"), doctest::Contains("a pipe"),
                       Error);
  CHECK_THROWS_WITH_AS(write_file_atomically("/dev/null", "x"), doctest::Contains("a device"),
                       Error);
}

TEST_CASE("an atomic file may be rewound, to fill its beginning in last") {
  const testing::TempDir dir;
  {
    engine::AtomicFile file(dir / "a");
    file.write("........");
    file.write(std::string(3 << 20, 'x'));  // beyond the buffer
    file.rewind();
    file.write("head");
    file.commit();
  }
  CHECK(read_file(dir / "a") == "head...." + std::string(3 << 20, 'x'));
}

TEST_CASE("what killed processes left of their writing is removed, and nothing else") {
  const testing::TempDir dir;
  for (const char* name : {"run.json.tmp-77-1", "a.tmp-1-22"}) write_file(dir / name, "half");
  for (const char* name :
       {"run.json", "a.tmp-x-1", "a.tmp-1", "a.tmp-1-", ".tmp-1-1", "b.tmp-1-1x"})
    write_file(dir / name, "whole");
  remove_temporaries(dir.path());
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 6);
  CHECK_NOTHROW(remove_temporaries(dir / "none"));
}
