#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/io/mapped_file.h"
#include "tests/support/paths.h"

using namespace engine;
using testing::read_file;
using testing::write_file;

namespace {

size_t files_in(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

// Files may not grow beyond `bytes` while this lives: what a full disk does to a writer.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    old_ = std::signal(SIGXFSZ, SIG_IGN);  // write() then fails with EFBIG
    const rlimit small{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, old_);
  }

 private:
  rlimit before_{};
  void (*old_)(int);
};

}  // namespace

TEST_CASE("a mapped file has the file's bytes, and says what is wrong") {
  const testing::TempDir dir;
  write_file(dir / "a", "hello");
  const auto file = MappedFile::open(dir / "a");
  CHECK(std::string(reinterpret_cast<const char*>(file->data()), file->size()) == "hello");
  CHECK(file->path() == dir / "a");
  write_file(dir / "empty", "");
  CHECK(MappedFile::open(dir / "empty")->size() == 0);
  CHECK_THROWS_WITH_AS(MappedFile::open(dir / "none"),
                       doctest::Contains("none: cannot be opened: No such file"), Error);
  CHECK_THROWS_WITH_AS(MappedFile::open(dir.path()),
                       doctest::Contains("is a folder, and a plain file is needed"), Error);
}

TEST_CASE("writing to a mapped file ends the process: frozen is enforced by the hardware") {
  const testing::TempDir dir;
  write_file(dir / "a", "hello");
  const auto file = MappedFile::open(dir / "a");
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    *const_cast<volatile char*>(reinterpret_cast<const volatile char*>(file->data())) = 'x';
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSEGV);
}

TEST_CASE("an atomic file is there after commit, and not before") {
  const testing::TempDir dir;
  write_file(dir / "a", "old");
  {
    AtomicFile file(dir / "a");
    file.write("new ");
    file.write(std::string(3'000'000, 'x'));
    CHECK(read_file(dir / "a") == "old");
    file.commit();
  }
  CHECK(read_file(dir / "a") == "new " + std::string(3'000'000, 'x'));
  CHECK(files_in(dir.path()) == 1);
  write_file_atomically(dir / "b", "text");
  CHECK(read_file(dir / "b") == "text");
}

TEST_CASE("a writer that gives up leaves the older file and nothing else") {
  const testing::TempDir dir;
  write_file(dir / "a", "old");
  try {
    AtomicFile file(dir / "a");
    file.write(std::string(2'000'000, 'x'));
    throw 1;
  } catch (int) {
  }
  CHECK(read_file(dir / "a") == "old");
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("a full disk is an error that leaves the older file untouched") {
  const testing::TempDir dir;
  write_file(dir / "a", "old");
  {
    const SmallDisk disk(1'500'000);  // in the middle of a buffer: the first write is a short one
    AtomicFile file(dir / "a");
    CHECK_THROWS_WITH_AS(
        [&] {
          file.write(std::string(4'000'000, 'x'));
          file.commit();
        }(),
        doctest::Contains("a: cannot be written completely: File too large\nhint: make room; the "
                          "older file is as it was"),
        Error);
    CHECK_THROWS_AS(file.commit(), Error);  // it stays an error
    CHECK_THROWS_WITH_AS(write_file_atomically(dir / "new", std::string(4'000'000, 'x')),
                         doctest::Contains("nothing was left behind"), Error);
  }
  CHECK(read_file(dir / "a") == "old");
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("what cannot be written is named") {
  const testing::TempDir dir;
  CHECK_THROWS_WITH_AS(AtomicFile(dir / "no/folder/file"), doctest::Contains("is there no folder "),
                       Error);
  CHECK_THROWS_WITH_AS(AtomicFile(dir.path()),
                       doctest::Contains("is a folder and cannot be written as a file"), Error);
}

TEST_CASE("a link stays a link, and a new file has the usual permissions") {
  const testing::TempDir dir;
  write_file(dir / "target", "old");
  std::filesystem::create_symlink(dir / "target", dir / "link");
  write_file_atomically(dir / "link", "new");
  CHECK(std::filesystem::is_symlink(dir / "link"));
  CHECK(read_file(dir / "target") == "new");
  struct stat made {
  }, usual{};
  REQUIRE(::stat((dir / "target").c_str(), &made) == 0);
  write_file(dir / "usual", "");
  REQUIRE(::stat((dir / "usual").c_str(), &usual) == 0);
  CHECK(made.st_mode == usual.st_mode);
}
