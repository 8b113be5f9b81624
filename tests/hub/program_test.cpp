// The program, with models by name: what a person types.
#include <doctest/doctest.h>

#include "engine/io/json.h"
#include "tests/hub/fake_hub.h"
#include "tests/hub/zips.h"

namespace fs = std::filesystem;
using testing::FakeHub;
using testing::TempDir;

namespace {

struct Shell {
  FakeHub& hub;
  TempDir dir{};
  std::string environment = "";

  // The exit code; what it wrote is in out and err.
  int run(const std::string& words) {
    const std::string program = (testing::binary_dir() / "bin" / "peft").string();
    const std::string line =
        "cd " + dir.path().string() +
        " && env -u HF_HUB_OFFLINE -u HF_TOKEN -u HF_HUB_CACHE HF_HOME=" + (dir / "home").string() +
        " HF_ENDPOINT=" + hub.endpoint() + " " + environment + " timeout 300 " + program + " " +
        words + " > out.txt 2> err.txt < /dev/null";
    const int status = std::system(line.c_str());
    out = testing::read_file(dir / "out.txt");
    err = testing::read_file(dir / "err.txt");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  bool says(const std::string& part) const { return (out + err).find(part) != std::string::npos; }
  std::string out = {}, err = {};
};

// A shipped model as one of the hub's.
void publish(const FakeHub& hub, const std::string& shipped, const std::string& name) {
  fs::create_directories(hub.folder(name).parent_path());
  fs::copy(testing::source_dir() / "data" / "pretrained" / shipped, hub.folder(name));
}

}  // namespace

TEST_CASE("a model by its name: plan, inspect, finetune, predict, evaluate, merge") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  publish(*hub, "peft-2x256", "org/small");
  Shell shell{*hub};
  REQUIRE(shell.run("plan --model org/small --strategy bitfit") == 0);
  CHECK(hub->asked("model.safetensors") == 0);  // a configuration is enough
  REQUIRE(shell.run("inspect tokens --model org/small hello") == 0);
  CHECK(hub->asked("model.safetensors") == 0);
  const std::string reviews = (testing::source_dir() / "data" / "demo" / "reviews").string();
  const int code =
      shell.run("finetune --task sst2 --data " + reviews +
                " --model org/small --strategy bitfit --max-steps 2 --batch-size 4 --out run");
  REQUIRE_MESSAGE(code == 0, shell.err);
  CHECK(shell.says("org/small MB"));  // the line of progress
  // The record and the adapter have the name, not a path of this machine.
  const auto adapter = engine::json_file(shell.dir / "run" / "adapter" / "adapter_config.json");
  CHECK(adapter["base_model_name_or_path"] == "org/small");
  const auto record = engine::json_file(shell.dir / "run" / "run.json");
  CHECK(record["settings"]["model"] == "org/small");
  hub->log();
  shell.environment = "HF_HUB_OFFLINE=1";
  testing::write_file(shell.dir / "in.tsv", "sentence\tlabel\na good film\t1\na bad film\t0\n");
  CHECK_MESSAGE(shell.run("predict run in.tsv") == 0, shell.err);
  CHECK_MESSAGE(shell.run("evaluate run --data in.tsv") == 0, shell.err);
  CHECK_MESSAGE(shell.run("merge --adapter run --out merged") == 0, shell.err);
  CHECK(hub->asked() == 0);
  // PEFT's files of somebody else, with a revision: no task.json beside them.
  shell.environment = "";
  publish(*hub, "peft-2x256", "org/small@v2");
  fs::remove(shell.dir / "run" / "adapter" / "task.json");
  auto config = adapter;
  config["revision"] = "v2";
  fs::create_directory(shell.dir / "theirs");
  for (const auto& file : fs::directory_iterator(shell.dir / "run" / "adapter"))
    fs::copy(file.path(), shell.dir / "theirs" / file.path().filename());
  testing::write_file(shell.dir / "theirs" / "adapter_config.json", engine::json_text(config));
  CHECK_MESSAGE(shell.run("predict --adapter theirs --data in.tsv") == 0, shell.err);
  CHECK(fs::exists(shell.dir / "home" / "hub" / "models--org--small" / "refs" / "v2"));
}

TEST_CASE("a decoder by its name") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  publish(*hub, "peft-llama-4x128", "decoder");
  Shell shell{*hub};
  const int code = shell.run("generate --model decoder@main --prompt Hello --max-new-tokens 3");
  REQUIRE_MESSAGE(code == 0, shell.err);
  CHECK(fs::exists(shell.dir / "home" / "hub" / "models--decoder" / "refs" / "main"));
}

TEST_CASE("a task by its name: fetch, finetune, evaluate, and all of it again offline") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const fs::path data = testing::source_dir() / "data";
  const std::string train = testing::read_file(data / "demo" / "reviews" / "train.tsv"),
                    dev = testing::read_file(data / "demo" / "reviews" / "dev.tsv");
  testing::write_zip(hub->folder("glue") / "data" / "SST-2.zip",
                     {{"SST-2/train.tsv", train},
                      {"SST-2/dev.tsv", dev},
                      {"SST-2/test.tsv", "index\tsentence\n0\ta good film\n"}});
  Shell shell{*hub};
  const std::string finetune = "finetune --task sst2 --model " +
                               (data / "pretrained" / "peft-2x256").string() +
                               " --strategy bitfit --max-steps 2 --batch-size 4 --out ";
  const std::string mirror = "PEFT_GLUE_URL=" + hub->endpoint();
  shell.environment = mirror + " HF_HUB_OFFLINE=1";
  CHECK(shell.run(finetune + "none") == 1);
  CHECK(shell.says("SST-2's files are not in " + (shell.dir / "home").string()));
  CHECK(
      shell.says("hint: with a network, peft fetch glue/sst2 gets them. Without one, put "
                 "train.tsv, dev.tsv, test.tsv"));
  shell.environment = mirror;
  REQUIRE_MESSAGE(shell.run(finetune + "run") == 0, shell.err);
  shell.environment = mirror + " HF_HUB_OFFLINE=1";
  hub->log();
  CHECK_MESSAGE(shell.run(finetune + "again") == 0, shell.err);
  CHECK_MESSAGE(shell.run("finetune --resume --out again") == 0, shell.err);
  REQUIRE_MESSAGE(shell.run("evaluate run --json") == 0, shell.err);
  CHECK(engine::parse_json(shell.out, "evaluate")["data"] == "SST-2 dev");
  CHECK(shell.run("fetch glue/sst2") == 0);
  CHECK(shell.out == (shell.dir / "home" / "peft_cpp" / "glue" / "SST-2").string() + "\n");
  CHECK(hub->asked() == 0);
  // The record names no folder of this machine, and a folder that is named wins.
  const auto record = engine::json_file(shell.dir / "run" / "run.json");
  CHECK(record["settings"]["data"] == "");
  CHECK(shell.run(finetune + "own --data nowhere") == 1);
  CHECK(shell.says("nowhere"));
  CHECK(shell.run("fetch glue/snli") == 1);
  CHECK(shell.says("there is no task 'snli'"));
  CHECK(shell.run("finetune --task snli --model random --strategy full") == 1);
  CHECK(shell.says("there is no task 'snli'"));
}

TEST_CASE("fetch and cache") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 2'000'000);
  hub->add("org/model@v2", 1000);
  Shell shell{*hub};
  REQUIRE_MESSAGE(shell.run("fetch org/model org/model@v2") == 0, shell.err);
  const std::string folder = shell.out.substr(0, shell.out.find('\n'));
  CHECK(fs::exists(fs::path(folder) / "model.safetensors"));
  REQUIRE(shell.run("cache list") == 0);
  CHECK(shell.says("org/model"));
  CHECK(shell.says("v2"));
  CHECK(shell.says("1 model, 2.0 MB"));
  REQUIRE(shell.run("cache list --json") == 0);
  const auto json = engine::parse_json(shell.out, "cache list");
  CHECK(json[0]["revisions"].size() == 2);
  REQUIRE(shell.run("cache verify") == 0);
  CHECK(shell.says("org/model: "));
  const fs::path blob = fs::canonical(fs::path(folder) / "model.safetensors");
  testing::write_file(blob, "damaged");
  CHECK(shell.run("cache verify org/model") == 1);
  CHECK(shell.says(blob.filename()));
  REQUIRE(shell.run("cache remove org/model@v2") == 0);
  CHECK(shell.run("cache remove org/model@v2") == 1);
  REQUIRE(shell.run("cache remove org/model") == 0);
  REQUIRE(shell.run("cache list") == 0);
  CHECK(shell.says("0 models"));
  CHECK(shell.run("cache remove org/model") == 1);
  CHECK(shell.run("cache polish") == 2);
  CHECK(shell.run("fetch ../x") == 2);
  CHECK(shell.run("fetch org/other") == 1);
  CHECK(shell.says("no such model"));
  CHECK(shell.run("fetch --only all org/model") == 2);
  shell.environment = "HF_HUB_OFFLINE=1";
  CHECK(shell.run("plan --model org/model --strategy full") == 1);
  CHECK(shell.says("hint: with a network, peft fetch org/model"));
}

TEST_CASE("A signal ends a download, and the next one goes on") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  hub->add("org/model", 3'000'000);
  hub->mode("slow=0.5");
  Shell shell{*hub};
  shell.environment = "timeout -s TERM 3";
  const int code = shell.run("fetch org/model");
  CHECK_MESSAGE((code == 143 || code == 124), code, shell.err);
  CHECK(shell.says("stopped"));
  hub->mode("");
  shell.environment = "";
  CHECK(shell.run("fetch org/model") == 0);
}
