// From a model's name to a folder: what is asked for, what is used, what is said.
#include "run/by_name.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <set>

#include "hub/watcher.h"
#include "tests/hub/fake_hub.h"
#include "tests/support/errors.h"

namespace fs = std::filesystem;
using run::Need;
using testing::contains;
using testing::FakeHub;
using testing::message_of;
using testing::Recorder;
using testing::TempDir;

namespace {

// The environment of a person with an empty cache, in an empty folder, who looks at a terminal.
struct Person {
  explicit Person(const std::string& endpoint) {
    for (const char* name : {"HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN", "TRANSFORMERS_OFFLINE"})
      ::unsetenv(name);
    ::setenv("HF_HOME", (dir / "home").c_str(), 1);
    ::setenv("HF_ENDPOINT", endpoint.c_str(), 1);
    fs::create_directory(dir / "work");
    fs::current_path(dir / "work");
    hub::set_watcher(&seen);
  }
  ~Person() {
    hub::set_watcher(nullptr);
    fs::current_path(before);
    ::unsetenv("HF_HOME");
    ::unsetenv("HF_ENDPOINT");
    ::unsetenv("HF_HUB_OFFLINE");
  }
  fs::path before = fs::current_path();
  TempDir dir;
  Recorder seen;
};

// The files of a model whose contents the log says were asked for.
std::set<std::string> got(FakeHub& hub) {
  std::set<std::string> files;
  for (const engine::Json& line : hub.log()) {
    const std::string path = line["path"];
    const size_t at = path.find("/resolve/");
    if (at != std::string::npos && line["method"] == "GET")
      files.insert(path.substr(path.find('/', at + 9) + 1));
  }
  return files;
}

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("what is no name is a path, and the hub hears nothing of it") {
  const Person person("http://127.0.0.1:1");
  for (const char* spec :
       {"", "random:layers=2", "random", "./x", "/a/b", "a/b/c", "x/", "x/config.json"})
    CHECK(run::by_name(spec, Need::model) == spec);
}

TEST_CASE("only what is needed is fetched, and only once") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const Person person(hub->endpoint());
  hub->add("org/model");
  for (const char* file : {"special_tokens_map.json", "generation_config.json", "vocab.txt",
                           "merges.txt", "pytorch_model.bin", "onnx/model.onnx", "spiece.model"})
    hub->write("org/model", file, file);
  const std::string config = run::by_name("org/model", Need::config);
  CHECK(fs::path(config).filename() == "config.json");
  CHECK(testing::read_file(config) == testing::read_file(hub->folder("org/model") / "config.json"));
  CHECK(got(*hub) == Names{"config.json"});
  const fs::path folder = run::by_name("org/model", Need::tokenizer);
  CHECK(got(*hub) == Names{"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"});
  CHECK(fs::path(config).parent_path() == folder);
  CHECK(run::by_name("org/model", Need::model) == folder);
  CHECK(got(*hub) == Names{"model.safetensors", "generation_config.json"});
  for (const Need need : {Need::config, Need::tokenizer, Need::weights, Need::model})
    CHECK(run::by_name("org/model", need) == folder);
  CHECK(hub->asked() == 0);
  ::setenv("HF_HUB_OFFLINE", "1", 1);
  CHECK(run::by_name("org/model", Need::model) == folder);
  CHECK(person.seen.notes.empty());
}

TEST_CASE(
    "a tokenizer of older files, weights in shards, and PyTorch's where there are no others") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const Person person(hub->endpoint());
  hub->write("old", "config.json", "{}");
  hub->write("old", "vocab.txt", "[PAD]");
  hub->write("old", "pytorch_model.bin", "x");
  hub->write("old", "tf_model.h5", "x");
  fs::path folder = run::by_name("old", Need::model);
  CHECK(got(*hub) == Names{"config.json", "vocab.txt", "pytorch_model.bin"});
  CHECK(run::by_name("old", Need::model) ==
        folder);  // that it has no tokenizer_config.json is known
  CHECK(hub->asked() == 0);
  hub->write("org/large", "config.json", "{}");
  hub->write("org/large", "tokenizer.json", "{ }");  // else it were config.json's blob
  hub->write(
      "org/large", "model.safetensors.index.json",
      R"({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}})");
  for (const char* part : {"model-1.safetensors", "model-2.safetensors", "other.safetensors"})
    hub->write("org/large", part, part);
  folder = run::by_name("org/large", Need::model);
  CHECK(got(*hub) == Names{"config.json", "tokenizer.json", "model.safetensors.index.json",
                           "model-1.safetensors", "model-2.safetensors"});
  fs::remove(folder / "model-2.safetensors");
  CHECK(fs::path(run::by_name("org/large", Need::config)).filename() == "config.json");
  CHECK(run::by_name("org/large", Need::model) == folder);
  CHECK(got(*hub) == Names{});  // its blob is still there
  CHECK(fs::exists(folder / "model-2.safetensors"));
}

TEST_CASE("shards whose names lead out of the folder are refused") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const Person person(hub->endpoint());
  for (const char* bad : {"../../../../x.safetensors", "/tmp/x.safetensors", "a/../b", ""}) {
    hub->write("org/evil", "config.json", "{}");
    hub->write("org/evil", "model.safetensors.index.json",
               R"({"weight_map": {"a": ")" + std::string(bad) + "\"}}");
    const std::string message = message_of([&] { run::fetch({"org/evil"}, Need::weights); });
    CHECK_MESSAGE(contains(message, "leads out of its folder"), message);
  }
}

TEST_CASE("what is in this folder wins, and is said") {
  const Person person("http://127.0.0.1:1");
  fs::create_directories("bert-base-uncased");
  fs::create_directories("org/model");
  CHECK(run::by_name("bert-base-uncased", Need::model) == "bert-base-uncased");
  CHECK(run::by_name("org/model", Need::model) == "org/model");
  REQUIRE(person.seen.notes.size() == 2);
  CHECK(contains(person.seen.notes[0], "bert-base-uncased is the one in this folder"));
}

TEST_CASE("without a network: what was looked for, where, and what to do") {
  const Person person("http://127.0.0.1:1");
  ::setenv("HF_HUB_OFFLINE", "1", 1);
  std::string message = message_of([] { run::by_name("org/model@v2", Need::model); });
  for (const char* part :
       {"there is no org/model@v2 here", "home/hub does not have it", "HF_HUB_OFFLINE is set",
        "peft fetch org/model@v2", "models--org--model", "config.json, model.safetensors"})
    CHECK_MESSAGE(contains(message, part), part);
  ::unsetenv("HF_HUB_OFFLINE");
  if (!hub::http_available()) return;
  message = message_of([] { run::by_name("org/model", Need::model); });
  CHECK(contains(message, "127.0.0.1:1 cannot be reached"));
  CHECK(contains(message, "peft fetch org/model"));
}

TEST_CASE(
    "files that huggingface_hub left are used without asking, and completed where they must be") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const Person person(hub->endpoint());
  hub->add("org/model");
  const fs::path folder = run::by_name("org/model", Need::model);
  // As its from_pretrained would: no marks of what is absent.
  fs::remove_all(folder.parent_path().parent_path() / ".no_exist");
  hub->log();
  CHECK(run::by_name("org/model", Need::model) == folder);
  CHECK(hub->asked() == 0);
  // Without tokenizer_config.json it is not known whether there is one: asked, and fetched.
  fs::remove(folder / "tokenizer_config.json");
  ::setenv("HF_HUB_OFFLINE", "1", 1);
  CHECK(run::by_name("org/model", Need::model) == folder);
  CHECK(person.seen.noted("HF_HUB_OFFLINE is set"));
  ::unsetenv("HF_HUB_OFFLINE");
  CHECK(run::by_name("org/model", Need::model) == folder);
  CHECK(fs::exists(folder / "tokenizer_config.json"));
}

TEST_CASE("models that cannot be opened say why") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const Person person(hub->endpoint());
  hub->write("org/flax", "config.json", "{}");
  hub->write("org/flax", "flax_model.msgpack", "x");
  CHECK(contains(message_of([] { run::by_name("org/flax", Need::weights); }), "TensorFlow, Flax"));
  hub->write("org/lora", "adapter_config.json", "{}");
  CHECK(contains(message_of([] { run::by_name("org/lora", Need::model); }), "no config.json"));
  const std::string message = message_of([] { run::by_name("models/brt", Need::model); });
  CHECK(contains(message, "there is no models/brt here"));
  CHECK(contains(message, "no such model"));
}

TEST_CASE("fetching asks for the newest, opening does not") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const Person person(hub->endpoint());
  hub->add("org/model");
  const std::string first = run::by_name("org/model", Need::model);
  hub->write("org/model", "config.json", "{}");
  CHECK(run::by_name("org/model", Need::model) == first);
  const std::string second = run::fetch({"org/model"}, Need::model);
  CHECK(second != first);
  CHECK(run::by_name("org/model", Need::model) == second);
}
