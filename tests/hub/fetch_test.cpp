// Fetching from a hub that works, and from one that has bad days.
#include <doctest/doctest.h>

#include <cstdlib>

#include "hub/cache_report.h"
#include "hub/digest.h"
#include "hub/errors.h"
#include "tests/hub/fake_hub.h"
#include "tests/support/errors.h"

namespace fs = std::filesystem;
using testing::FakeHub;
using testing::Recorder;
using testing::TempDir;

namespace {

const std::vector<std::string> kFiles = {"config.json", "model.safetensors"};

// Fetches kFiles of `name` and compares them with the hub's.
void fetches(FakeHub& hub, const TempDir& dir, Recorder& watcher,
             const std::string& name = "org/model") {
  hub::Repository model({name}, hub.settings(dir), watcher);
  model.refresh();
  model.fetch(kFiles);
  for (const std::string& file : kFiles) {
    REQUIRE(model.find(file));
    CHECK(testing::read_file(*model.find(file)) == testing::read_file(hub.folder(name) / file));
  }
  CHECK(hub::verify(hub::list_cache(dir / "cache").front()).problems.empty());
  CHECK(hub::list_cache(dir / "cache").front().partial == 0);
}

fs::path partial_of(const FakeHub& hub, const TempDir& dir) {
  const std::string tag = hub::digest_of(
      hub.folder("org/model") / "model.safetensors", hub::DigestKind::sha256,
      static_cast<int64_t>(fs::file_size(hub.folder("org/model") / "model.safetensors")));
  return dir / "cache" / "models--org--model" / "blobs" / (tag + ".incomplete");
}

}  // namespace

TEST_CASE("a model is fetched once") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 3'000'000);
  const TempDir dir;
  Recorder watcher;
  fetches(*hub, dir, watcher);
  CHECK(watcher.last.done == watcher.last.total);
  CHECK(watcher.last.total ==
        3'000'000 + static_cast<int64_t>(fs::file_size(hub->folder("org/model") / "config.json")));
  CHECK(watcher.backwards == 0);
  CHECK(watcher.ends == 1);
  CHECK(watcher.notes.empty());
  CHECK(hub->asked() ==
        1 + 2 + 3);  // the list; a small file's HEAD and GET; a large one's, redirected
  fetches(*hub, dir, watcher);
  CHECK(hub->asked() == 1);  // the list
}

TEST_CASE("what is in the cache needs no network") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model");
  const TempDir dir;
  Recorder watcher;
  fetches(*hub, dir, watcher);
  hub::Settings settings = hub->settings(dir);
  settings.offline = true;
  hub::Repository model({"org/model"}, settings, watcher);
  CHECK(model.known());
  for (const std::string& file : kFiles) CHECK(model.find(file));
  CHECK_FALSE(model.find("tokenizer.json"));
  CHECK_THROWS_AS(model.refresh(), hub::Unreachable);
  hub::Repository by_commit({"org/model", model.commit()}, settings, watcher);
  CHECK(by_commit.find("config.json"));
}

TEST_CASE("a branch that moves is another snapshot, and what is the same is one blob") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model");
  const TempDir dir;
  Recorder watcher;
  fetches(*hub, dir, watcher);
  hub->write("org/model", "config.json", "{}");
  hub->log();
  fetches(*hub, dir, watcher);
  CHECK(hub->asked("\"GET\", \"path\": \"/org/model/model.safetensors") == 0);
  const auto model = hub::list_cache(dir / "cache").front();
  REQUIRE(model.revisions.size() == 2);
  CHECK(model.revisions[0].refs.size() + model.revisions[1].refs.size() == 1);
}

TEST_CASE("another revision, a renamed model, and a name without an owner") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model");
  hub->add("org/model@v2", 50);
  hub->add("bare");
  const TempDir dir;
  Recorder watcher;
  hub::Repository second({"org/model", "v2"}, hub->settings(dir), watcher);
  second.refresh();
  second.fetch(kFiles);
  CHECK(fs::file_size(*second.find("model.safetensors")) == 50);
  CHECK(testing::read_file(dir / "cache" / "models--org--model" / "refs" / "v2") ==
        second.commit());
  CHECK_FALSE(hub::Repository({"org/model"}, hub->settings(dir), watcher).known());
  fetches(*hub, dir, watcher, "bare");
  hub->mode("rename=org/model");
  const TempDir other;
  hub::Repository old({"old-name"}, hub->settings(other), watcher);
  old.refresh();
  old.fetch(kFiles);
  CHECK(fs::exists(other / "cache" / "models--old-name"));
  hub->mode("");
  const auto message = testing::message_of([&] {
    hub::Repository({"org/model", "v3"}, hub->settings(dir), watcher).refresh();
  });
  CHECK(testing::contains(message, "no revision 'v3'"));
}

TEST_CASE("a partial download goes on where it stopped") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 6'000'000);
  const TempDir dir;
  Recorder watcher;
  watcher.stop_after = 2'000'000;
  hub->mode("slow=0.01");
  CHECK_THROWS_AS(fetches(*hub, dir, watcher), hub::Stopped);
  const fs::path partial = partial_of(*hub, dir);
  const auto left = fs::file_size(partial);
  CHECK(left >= 2'000'000);
  CHECK(left < 6'000'000);
  hub->mode("");
  hub->log();
  watcher.stop_after = -1;
  watcher.last = {};
  fetches(*hub, dir, watcher);
  CHECK(hub->asked("bytes=" + std::to_string(left) + "-") == 2);  // of both hosts
  CHECK(watcher.last.before == static_cast<int64_t>(left));
}

TEST_CASE("what an earlier process left is checked too") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 5'000'000);
  for (const size_t left : {1000, 4'999'999, 5'000'000, 5'000'001}) {
    CAPTURE(left);
    const TempDir dir;
    Recorder watcher;
    fs::create_directories(partial_of(*hub, dir).parent_path());
    testing::write_file(partial_of(*hub, dir), testing::noise(left, 2));
    fetches(*hub, dir, watcher);
    CHECK(watcher.noted("starting anew") == (left <= 5'000'000));
  }
  const TempDir dir;  // whole and right, only without its name: nothing is downloaded again
  Recorder watcher;
  fs::create_directories(partial_of(*hub, dir).parent_path());
  fs::copy_file(hub->folder("org/model") / "model.safetensors", partial_of(*hub, dir));
  hub->log();
  fetches(*hub, dir, watcher);
  CHECK(hub->asked("\"GET\", \"path\": \"/org/model/model.safetensors") == 0);
}

TEST_CASE("a connection that drops is taken up again, and one that always drops is given up") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 4'000'000);
  const TempDir dir;
  Recorder watcher;
  hub->mode("drop_once=1000000");
  fetches(*hub, dir, watcher);
  CHECK(watcher.noted("trying again"));
  for (const char* mode : {"drop=1000", "truncate=1000"}) {
    CAPTURE(mode);
    const TempDir other;
    hub->mode(mode);
    hub->log();
    const auto message = testing::message_of([&] { fetches(*hub, other, watcher); });
    CHECK(testing::contains(message, "3 tries"));
    CHECK(hub->asked("\"other\"") <= 4);
    CHECK(fs::file_size(partial_of(*hub, other)) > 0);  // kept, to go on with
    hub->mode("");
    fetches(*hub, other, watcher);
  }
  // A mebibyte at a time is progress: as many tries as it takes.
  const TempDir other;
  hub->mode("drop=1100000");
  fetches(*hub, other, watcher);
}

TEST_CASE("a hub that is busy is asked again, with pauses, and not for ever") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model");
  Recorder watcher;
  for (const char* mode : {"busy=2", "many=2"}) {
    const TempDir dir;
    hub->mode(mode);
    fetches(*hub, dir, watcher);
  }
  CHECK(watcher.noted("503"));
  CHECK(watcher.noted("429"));
  const TempDir dir;
  hub->log();
  hub->mode("busy=100");
  CHECK_THROWS_AS(fetches(*hub, dir, watcher), hub::Unreachable);
  CHECK(hub->asked() == 3);
  hub->mode("many=100&after=3600");  // longer than anyone waits
  CHECK_THROWS_AS(fetches(*hub, dir, watcher), hub::Unreachable);
  CHECK(hub->asked() == 1);
  CHECK_FALSE(fs::exists(dir / "cache"));
}

TEST_CASE("a server that knows no ranges, or another one") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 5'000'000);
  Recorder watcher;
  const TempDir dir;
  hub->mode("no_range=1&drop_once=2000000");
  fetches(*hub, dir, watcher);
  const TempDir other;
  hub->mode("wrong_range=1&drop_once=2000000");
  const auto message = testing::message_of([&] { fetches(*hub, other, watcher); });
  CHECK(testing::contains(message, "another part"));
}

TEST_CASE("there is no network") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const TempDir dir;
  Recorder watcher;
  hub::Settings settings = hub->settings(dir);
  settings.endpoint = "http://127.0.0.1:1";
  settings.tries = 100;  // nobody has answered yet: it is not tried again
  settings.pause = 100;
  const auto message =
      testing::message_of([&] { hub::Repository({"org/model"}, settings, watcher).refresh(); });
  CHECK(testing::contains(message, "cannot be reached"));
}

TEST_CASE("through a proxy, as the environment has it") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model");
  const TempDir dir;
  Recorder watcher;
  hub::Settings settings = hub->settings(dir);
  settings.endpoint = "http://a-host-that-only-the-proxy-knows.invalid";
  ::setenv("http_proxy", hub->endpoint().c_str(), 1);
  hub::Repository model({"org/model"}, settings, watcher);
  model.refresh();
  model.fetch({"config.json"});
  ::unsetenv("http_proxy");
  CHECK(model.find("config.json"));
  CHECK(hub->asked() == 3);
}

TEST_CASE("models that are not there, private, or gated: what to do") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model");
  const TempDir dir;
  Recorder watcher;
  hub::Settings settings = hub->settings(dir);
  const auto refused = [&](const char* mode, const std::string& name) {
    hub->mode(mode);
    return testing::message_of([&] {
      hub::Repository model({name}, settings, watcher);
      model.refresh();
      model.fetch({"config.json"});
    });
  };
  CHECK(refused("", "org/other").find("no such model") != std::string::npos);
  CHECK(refused("private=1", "org/model").find("private") != std::string::npos);
  std::string gated = refused("gated=1", "org/model");
  CHECK(testing::contains(gated, "gated"));
  CHECK(testing::contains(gated, "/org/model"));
  CHECK(testing::contains(gated, "HF_TOKEN"));
  CHECK(refused("unauthorized=1", "org/model").find("HF_TOKEN") != std::string::npos);
  settings.token = "bad";
  settings.token_from = "HF_TOKEN";
  const std::string bad = refused("unauthorized=1", "org/model");
  CHECK(testing::contains(bad, "does not accept the token in HF_TOKEN"));
  gated = refused("gated=1", "org/model");
  CHECK(testing::contains(gated, "account whose token is in HF_TOKEN"));
  CHECK(testing::message_of([&] {
          hub->mode("");
          hub::Repository model({"org/model"}, settings, watcher);
          model.refresh();
          model.fetch({"vocab.txt"});
        }).find("has no file vocab.txt") != std::string::npos);
}
