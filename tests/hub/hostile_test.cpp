// A hub that wants to do harm: what it sends is checked, bounded, and never leaves its folder.
#include <doctest/doctest.h>

#include "hub/cache_report.h"
#include "hub/errors.h"
#include "tests/hub/fake_hub.h"
#include "tests/support/errors.h"

namespace fs = std::filesystem;
using testing::FakeHub;
using testing::Recorder;
using testing::TempDir;

namespace {

std::string fetch(const FakeHub& hub, const TempDir& dir, const hub::Settings& settings,
                  const std::vector<std::string>& files = {"config.json", "model.safetensors"}) {
  Recorder watcher;
  return testing::message_of([&] {
    hub::Repository model({"org/model"}, settings, watcher);
    model.refresh();
    model.fetch(files);
  });
}

// Nothing but what the cache is made of, and no file of a model.
void holds_nothing(const TempDir& dir) {
  for (const auto& entry : fs::recursive_directory_iterator(dir.path())) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().lexically_relative(dir.path()).string();
    CAPTURE(path);
    const bool expected = path == "cache/CACHEDIR.TAG" || path.ends_with(".lock") ||
                          path.starts_with("cache/models--org--model/refs/") ||
                          (path.ends_with(".incomplete") && fs::file_size(entry.path()) == 0);
    CHECK(expected);
  }
}

}  // namespace

TEST_CASE("bytes that are not what the tag says are not kept") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 6'000'000);  // digested while it comes
  const TempDir dir;
  for (const char* mode : {"wrong=1", "wrong_small=1"}) {
    hub->mode(mode);
    const std::string message =
        fetch(*hub, dir, hub->settings(dir),
              {std::string(mode) == "wrong=1" ? "model.safetensors" : "config.json"});
    CHECK(testing::contains(message, "damaged on the way"));
    holds_nothing(dir);
  }
  hub->add("org/model", 1000);  // digested afterwards
  hub->mode("wrong=1");
  CHECK(fetch(*hub, dir, hub->settings(dir)).find("damaged on the way") != std::string::npos);
  hub->mode("");
  CHECK(fetch(*hub, dir, hub->settings(dir)).empty());
}

TEST_CASE("a file without an end is cut off where it should have ended") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 100'000);
  const TempDir dir;
  hub->mode("endless=1");
  CHECK(fetch(*hub, dir, hub->settings(dir), {"model.safetensors"})
            .find("more than the 100000 bytes") != std::string::npos);
  holds_nothing(dir);
}

TEST_CASE("headers and lists without an end are not held") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model");
  for (const char* mode : {"endless_headers=1", "endless_list=1"}) {
    const TempDir dir;
    hub->mode(mode);
    CHECK(fetch(*hub, dir, hub->settings(dir)).find("far more") != std::string::npos);
    CHECK_FALSE(fs::exists(dir / "cache"));
  }
}

TEST_CASE("the token is the endpoint's alone, and nobody reads it") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model");
  const TempDir dir;
  hub::Settings settings = hub->settings(dir);
  settings.token = "hf_veryverysecret";
  settings.token_from = "HF_TOKEN";
  hub->mode("unauthorized=1");
  CHECK(fetch(*hub, dir, settings).empty());
  size_t with = 0, away = 0;
  for (const engine::Json& line : hub->log()) {
    const bool token = line["authorization"] == "Bearer hf_veryverysecret";
    CHECK(token == (line["host"] == "hub"));
    with += token;
    away += line["host"] == "other";
  }
  CHECK(with == 5);
  CHECK(away == 1);
  for (const char* mode : {"gated=1", "private=1", "busy=100", "bad_commit=1", "list=x", "circle=1",
                           "away=file:///etc/passwd", "tag=../x"}) {
    const TempDir other;
    hub->mode(mode);
    settings.cache = other / "cache";
    const std::string message = fetch(*hub, other, settings);
    CAPTURE(message);
    CHECK_FALSE(message.empty());
    CHECK(message.find("secret") == std::string::npos);  // also not the signature of a URL
  }
}

TEST_CASE("redirects: never to files, never in circles, and without the token to other hosts") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model");
  const TempDir dir;
  for (const char* away : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x"}) {
    hub->mode(std::string("away=") + away);
    CHECK(fetch(*hub, dir, hub->settings(dir)).find("redirects to") != std::string::npos);
    holds_nothing(dir);
  }
  hub->mode("circle=1");
  CHECK(fetch(*hub, dir, hub->settings(dir)).find("in a circle") != std::string::npos);
  holds_nothing(dir);
}

TEST_CASE("answers that no hub gives") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model");
  for (const char* mode :
       {"bad_commit=1", "tag=../../x", "tag=.x", "tag=a/b", "tag=..", "no_etag=1", "no_size=1",
        "list= ", "list=[]", "list={}", "list=\"x\"", "list={\"sha\": 1, \"siblings\": []}",
        "list={\"sha\": \"0000000000000000000000000000000000000000\", \"siblings\": 3}",
        "list={\"sha\": \"0000000000000000000000000000000000000000\", \"siblings\": [{}]}",
        "list={\"sha\": \"0000000000000000000000000000000000000000\", \"siblings\": []}"}) {
    CAPTURE(mode);
    const TempDir dir;
    std::string query = mode;
    for (size_t at; (at = query.find(' ')) != std::string::npos;) query.replace(at, 1, "+");
    for (size_t at; (at = query.find('"')) != std::string::npos;) query.replace(at, 1, "%22");
    hub->mode(query);
    hub::Settings settings = hub->settings(dir);
    settings.tries = 1;
    const std::string message = fetch(*hub, dir, settings);
    CHECK_FALSE(message.empty());
    holds_nothing(dir);
  }
}

TEST_CASE("names in the hub's list that lead elsewhere are not listed") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const TempDir dir;
  hub->mode("list=%7B%22sha%22:%22" + std::string(40, '0') +
            "%22,%22siblings%22:[%7B%22rfilename%22:%22../x%22%7D,%7B%22rfilename%22:%22/x%22%7D,"
            "%7B%22rfilename%22:%22ok%22%7D]%7D");
  Recorder watcher;
  hub::Repository model({"org/model"}, hub->settings(dir), watcher);
  model.refresh();
  CHECK(model.has("ok"));
  CHECK_FALSE(model.has("../x"));
  CHECK_FALSE(model.has("/x"));
  CHECK_THROWS_AS(model.fetch({"../x"}), engine::Error);
}

TEST_CASE("what stands in a partial file's place is not written through") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 1000);
  const TempDir dir;
  const fs::path blobs = dir / "cache" / "models--org--model" / "blobs";
  fs::create_directories(blobs);
  testing::write_file(dir / "mine", "mine");
  hub->mode("tag=" + std::string(64, 'a'));
  fs::create_symlink(dir / "mine", blobs / (std::string(64, 'a') + ".incomplete"));
  CHECK(fetch(*hub, dir, hub->settings(dir), {"model.safetensors"}).find("cannot be written") !=
        std::string::npos);
  CHECK(testing::read_file(dir / "mine") == "mine");
}

TEST_CASE("a server that stops sending is left") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 500'000);
  const TempDir dir;
  hub::Settings settings = hub->settings(dir);
  settings.download_seconds = 1;
  settings.tries = 2;
  hub->mode("slow=30");
  const std::string message = fetch(*hub, dir, settings, {"model.safetensors"});
  CHECK(testing::contains(message, "2 tries"));
}
