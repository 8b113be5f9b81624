// GLUE by name, from a server on loopback that has small archives, broken ones, or none.
#include "data/glue.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "run/glue_by_name.h"
#include "tests/hub/fake_hub.h"
#include "tests/hub/zips.h"
#include "tests/support/errors.h"

namespace fs = std::filesystem;
using testing::contains;
using testing::FakeHub;
using testing::message_of;
using testing::Recorder;
using testing::TempDir;
using testing::write_zip;
using testing::ZipEntry;

namespace {

// The environment of a person with an empty cache.
struct GlueHome {
  explicit GlueHome(const std::string& url) {
    ::unsetenv("HF_HUB_OFFLINE");
    ::setenv("HF_HOME", dir.path().c_str(), 1);
    ::setenv("PEFT_GLUE_URL", url.c_str(), 1);
    ::setenv("HF_TOKEN", "secret", 1);
    hub::set_watcher(&seen);
  }
  ~GlueHome() {
    hub::set_watcher(nullptr);
    for (const char* name : {"HF_HOME", "PEFT_GLUE_URL", "HF_TOKEN", "HF_HUB_OFFLINE"})
      ::unsetenv(name);
  }
  fs::path glue() const { return dir / "peft_cpp" / "glue"; }
  // What lies in the cache, but for locks.
  std::vector<std::string> files() const {
    std::vector<std::string> found;
    if (!fs::exists(glue())) return found;
    for (const auto& entry : fs::recursive_directory_iterator(glue()))
      if (entry.is_regular_file() && entry.path().extension() != ".lock")
        found.push_back(entry.path().lexically_relative(glue()).string());
    std::sort(found.begin(), found.end());
    return found;
  }
  TempDir dir;
  Recorder seen;
};

const std::vector<ZipEntry> kSst2 = {{"SST-2/train.tsv", "sentence\tlabel\nfine \t1\ndull \t0\n"},
                                     {"SST-2/dev.tsv", "sentence\tlabel\ngood \t1\n"},
                                     {"SST-2/test.tsv", "index\tsentence\n0\twhat\n"},
                                     {"SST-2/original/README.txt", "not needed"}};
const std::vector<std::string> kSst2Files = {"SST-2/dev.tsv", "SST-2/test.tsv", "SST-2/train.tsv"};

fs::path sst2_zip(const FakeHub& hub) { return hub.folder("glue") / "data" / "SST-2.zip"; }

}  // namespace

TEST_CASE("a task is fetched once, and used without a network") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const GlueHome home(hub->endpoint() + "/");
  write_zip(sst2_zip(*hub), kSst2);
  const fs::path folder = run::glue_by_name("SST-2");
  CHECK(folder == home.glue() / "SST-2");
  CHECK(home.files() == kSst2Files);
  const data::TaskData task = data::load_glue(folder, "sst2");
  CHECK(task.split("train").examples.size() == 2);
  CHECK(task.split("dev").examples[0].a == "good ");
  CHECK(home.seen.last.total == static_cast<int64_t>(fs::file_size(sst2_zip(*hub))));
  CHECK(home.seen.last.done == home.seen.last.total);
  CHECK(home.seen.ends == 1);
  // A mirror's archive may be another one, and this is said.
  CHECK(home.seen.noted("is not the file that Hugging Face's datasets recorded"));
  const auto log = hub->log();
  CHECK(log.size() == 2);                                                   // HEAD and GET
  for (const engine::Json& line : log) CHECK(line["authorization"] == "");  // the hub's token
  for (const char* offline : {"0", "1"}) {
    ::setenv("HF_HUB_OFFLINE", offline, 1);
    CHECK(run::glue_by_name("sst2") == folder);
  }
  CHECK(hub->asked() == 0);
  // A file that was lost is fetched again, with the others.
  ::unsetenv("HF_HUB_OFFLINE");
  fs::remove(folder / "dev.tsv");
  CHECK(run::glue_by_name("sst2") == folder);
  CHECK(home.files() == kSst2Files);
}

TEST_CASE("every task has its address and its files") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const GlueHome home(hub->endpoint());
  const std::map<std::string, std::string> archives = {
      {"cola", "CoLA"},   {"stsb", "STS-B"}, {"qqp", "QQP-clean"}, {"mnli", "MNLI"},
      {"qnli", "QNLIv2"}, {"rte", "RTE"},    {"wnli", "WNLI"},     {"sst2", "SST-2"}};
  hub->write("glue", "data/AX.tsv", "index\tsentence1\tsentence2\n0\ta\tb\n");
  for (const auto& [task, archive] : archives) {
    const std::string name = data::glue_task(task).name;
    std::vector<ZipEntry> entries;
    for (const std::string& split : data::glue_splits(data::glue_task(task)))
      entries.push_back({name + "/" + split + ".tsv", split});
    write_zip(hub->folder("glue") / "data" / (archive + ".zip"), entries);
    CAPTURE(task);
    const fs::path folder = run::glue_by_name(task);
    CHECK(testing::read_file(folder / (entries[0].name.substr(name.size() + 1))) ==
          entries[0].content);
  }
  CHECK(fs::exists(home.glue() / "MNLI" / "diagnostic.tsv"));
  const auto ax = data::load_glue(run::glue_by_name("diagnostic"), "ax");
  CHECK(ax.split("test").examples[0].b == "b");
  CHECK(contains(message_of([] { run::glue_by_name("snli"); }), "there is no task 'snli'"));
}

TEST_CASE("MRPC: Microsoft's files, and the dev set by its ids") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const GlueHome home(hub->endpoint());
  // A byte order mark, an unbalanced quotation mark, and ids whose order counts.
  hub->write("senteval", "senteval_data/msr_paraphrase_train.txt",
             "\xef\xbb\xbfQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
             "1\t10\t11\tone\t\"one\n0\t20\t21\ttwo\tzwei\n1\t11\t10\tthree\tdrei\n");
  hub->write("senteval", "senteval_data/msr_paraphrase_test.txt",
             "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t30\t31\tfour\tvier\n");
  hub->write("glue", "data/mrpc_dev_ids.tsv", "20\t21\n11\t12\n");
  const auto mrpc = data::load_glue(run::glue_by_name("mrpc"), "mrpc");
  CHECK(home.files() == std::vector<std::string>{"MRPC/mrpc_dev_ids.tsv",
                                                 "MRPC/msr_paraphrase_test.txt",
                                                 "MRPC/msr_paraphrase_train.txt"});
  const auto& train = mrpc.split("train").examples;
  REQUIRE(train.size() == 2);
  CHECK(train[0].a == "one");
  CHECK(train[0].b == "\"one");
  CHECK(train[0].label == 1);
  CHECK(train[1].a == "three");
  const auto& dev = mrpc.split("dev").examples;
  REQUIRE(dev.size() == 1);
  CHECK(dev[0].b == "zwei");
  CHECK(dev[0].label == 0);
  REQUIRE(mrpc.split("test").examples.size() == 1);
  CHECK(mrpc.split("test").examples[0].a == "four");
}

TEST_CASE("archives that are none leave nothing, and the next try is a new one") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const GlueHome home(hub->endpoint());
  write_zip(sst2_zip(*hub), kSst2);
  const std::string whole = testing::read_file(sst2_zip(*hub));
  const auto refused = [&](const std::string& expected) {
    const std::string message = message_of([] { run::glue_by_name("sst2"); });
    CHECK_MESSAGE(contains(message, expected), message);
    CHECK(home.files().empty());
  };
  testing::write_file(sst2_zip(*hub), whole.substr(0, whole.size() / 2));
  refused("SST-2.zip: is not a whole zip file");
  testing::write_file(sst2_zip(*hub), "<html>Log in</html>");
  refused("SST-2.zip: is not a whole zip file");
  auto evil = kSst2;
  evil.push_back({"../../../evil", "evil"});
  write_zip(sst2_zip(*hub), evil);
  refused("leads out of its folder");
  CHECK(!fs::exists(home.dir / "evil"));
  write_zip(sst2_zip(*hub), {kSst2[0], kSst2[1]});
  refused("has no SST-2/test.tsv");
  write_zip(sst2_zip(*hub), kSst2);
  CHECK(run::glue_by_name("sst2") == home.glue() / "SST-2");
  CHECK(home.files() == kSst2Files);
}

TEST_CASE("a download that was stopped goes on, a connection that breaks too") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const GlueHome home(hub->endpoint());
  auto large = kSst2;
  large.push_back({"SST-2/original/noise", testing::noise(300'000)});
  write_zip(sst2_zip(*hub), large);
  const std::string whole = testing::read_file(sst2_zip(*hub));
  const fs::path part = home.glue() / ".downloads-SST-2" /
                        engine::concat("SST-2.zip.size-", whole.size(), ".incomplete");
  fs::create_directories(part.parent_path());
  testing::write_file(part, whole.substr(0, 100'000));
  hub->mode("drop_once=50000");
  CHECK(run::glue_by_name("sst2") == home.glue() / "SST-2");
  CHECK(home.files() == kSst2Files);
  CHECK(hub->asked("bytes=100000-") == 1);
  CHECK(home.seen.last.before == 100'000);
}

TEST_CASE("two processes at once download once") {
  const auto hub = FakeHub::start();
  if (!hub) return;
  const GlueHome home(hub->endpoint());
  auto large = kSst2;
  large.push_back({"SST-2/original/noise", testing::noise(500'000)});
  write_zip(sst2_zip(*hub), large);
  hub->mode("slow=0.05");
  std::vector<pid_t> processes;
  for (int i = 0; i < 2; ++i) {
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      ::alarm(120);
      ::_exit(message_of([] { run::glue_by_name("sst2"); }).empty() ? 0 : 1);
    }
    processes.push_back(pid);
  }
  for (const pid_t pid : processes) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    CHECK(status == 0);
  }
  size_t downloads = 0;
  for (const engine::Json& line : hub->log()) downloads += line["method"] == "GET";
  CHECK(downloads == 1);
  CHECK(home.files() == kSst2Files);
}

TEST_CASE("without a network: what was looked for, where, and what to do") {
  const GlueHome home("http://127.0.0.1:1");
  const auto says = [](const char* task, const std::vector<std::string>& parts) {
    const std::string message = message_of([&] { run::glue_by_name(task); });
    for (const std::string& part : parts) CHECK_MESSAGE(contains(message, part), message);
  };
  ::setenv("HF_HUB_OFFLINE", "1", 1);
  says("sst2",
       {"peft_cpp/glue/SST-2", "http://127.0.0.1:1/glue/data/SST-2.zip", "HF_HUB_OFFLINE is set",
        "peft fetch glue/sst2", "train.tsv, dev.tsv, test.tsv", "--data DIR"});
  says("mrpc", {"msr_paraphrase_train.txt", "mrpc_dev_ids.tsv", "--data DIR"});
  ::unsetenv("HF_HUB_OFFLINE");
  if (!hub::http_available()) return;
  says("sst2", {"127.0.0.1:1 cannot be reached", "--data DIR"});
  const auto hub = FakeHub::start();
  if (!hub) return;
  ::setenv("PEFT_GLUE_URL", hub->endpoint().c_str(), 1);
  says("rte", {"there is no " + hub->endpoint() + "/glue/data/RTE.zip (status 404)", "--data DIR"});
}
