// Several processes at one cache, and processes that are killed.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "hub/cache_report.h"
#include "hub/lock.h"
#include "tests/hub/fake_hub.h"

namespace fs = std::filesystem;
using testing::FakeHub;
using testing::Recorder;
using testing::TempDir;

namespace {

const std::vector<std::string> kSomeFiles = {"tokenizer.json", "config.json", "model.safetensors"};

// A process of its own that fetches kSomeFiles; it exits with 0, or 1 after an error.
pid_t fetching(const hub::Settings& settings) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid != 0) return pid;
  ::alarm(120);
  try {
    Recorder watcher;
    hub::Repository model({"org/model"}, settings, watcher);
    model.refresh();
    model.fetch(kSomeFiles);
    ::_exit(0);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    ::_exit(1);
  }
}

int ended(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

TEST_CASE("two processes that fetch the same file at once download it once") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 2'000'000);
  hub->mode("slow=0.01");
  const TempDir dir;
  const pid_t one = fetching(hub->settings(dir)), two = fetching(hub->settings(dir));
  CHECK(ended(one) == 0);
  CHECK(ended(two) == 0);
  size_t downloads = 0;
  for (const engine::Json& line : hub->log())
    downloads += line["host"] == "other" && line["method"] == "GET";
  CHECK(downloads == 1);
  const auto models = hub::list_cache(dir / "cache");
  REQUIRE(models.size() == 1);
  CHECK(models[0].partial == 0);
  CHECK(hub::verify(models[0]).files == 3);
  CHECK(hub::verify(models[0]).problems.empty());
}

TEST_CASE("who waits says so, and can be stopped") {
  const TempDir dir;
  const hub::Lock held(dir / "locks" / "x.lock", [] {});
  CHECK(held.held());
  struct Enough {};
  int asked = 0;
  const auto wait = [&] {
    hub::Lock second(dir / "locks" / "x.lock", [&] {
      if (++asked == 3) throw Enough();
    });
  };
  CHECK_THROWS_AS(wait(), Enough);
  CHECK(asked == 3);
  // filelock removes the file of a lock when it lets go: then the lock is on the new file.
  fs::remove(dir / "locks" / "x.lock");
  CHECK(hub::Lock(dir / "locks" / "x.lock", [] { FAIL("a lock on nothing"); }).held());
}

TEST_CASE("killed at any moment, the cache is whole, and the next process goes on") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 1'500'000);
  hub->mode("slow=0.01");  // 23 pieces
  const TempDir dir;
  std::mt19937 random(7);
  int killed = 0, partial = 0;
  for (int round = 0; round < 40; ++round) {
    const pid_t pid = fetching(hub->settings(dir));
    ::usleep(static_cast<useconds_t>(random() % 300'000));
    ::kill(pid, SIGKILL);
    const bool whole = ended(pid) == 0;
    killed += !whole;
    // huggingface_hub calls damaged what it does not know in these folders.
    for (const char* part : {"", "models--org--model/refs", "models--org--model/snapshots"}) {
      if (!fs::exists(dir / "cache" / part)) continue;
      for (const auto& entry : fs::directory_iterator(dir / "cache" / part)) {
        const std::string name = entry.path().filename();
        const bool known = name == "models--org--model" || name == ".locks" || name == "main" ||
                           name == "CACHEDIR.TAG" || name.size() == 40;
        CHECK_MESSAGE(known, part, " has ", name);
      }
    }
    for (const hub::CachedModel& model : hub::list_cache(dir / "cache")) {
      partial += model.partial > 0;
      const hub::Verified found = hub::verify(model);
      for (const std::string& problem : found.problems) CHECK_MESSAGE(problem.empty(), problem);
      // What is linked is there, whole.
      const hub::Cache cache(dir / "cache", model.repo);
      for (const hub::CachedRevision& revision : model.revisions)
        for (const std::string& file : revision.files) {
          CAPTURE(file);
          REQUIRE(cache.find(revision.commit, file));
          CHECK(testing::read_file(*cache.find(revision.commit, file)) ==
                testing::read_file(hub->folder("org/model") / file));
        }
    }
    if (whole) fs::remove_all(dir / "cache");
  }
  CHECK(killed > 0);
  MESSAGE(killed, " of 40 processes were killed, ", partial, " times in a download");
  hub->mode("");
  CHECK(ended(fetching(hub->settings(dir))) == 0);
  const auto model = hub::list_cache(dir / "cache").front();
  CHECK(model.partial == 0);
  CHECK(hub::verify(model).files == 3);
}
