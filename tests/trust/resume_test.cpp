// --resume believes only a state that is this run's.
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "engine/io/hash.h"
#include "engine/io/json.h"
#include "engine/io/run_folder.h"
#include "tests/trust/program.h"

using namespace trust;
using engine::Json;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

namespace {

// Runs until some steps are done, then stops it as Ctrl-C does.
void begin(const TempDir& dir, const Words& words, const std::string& out) {
  const bool resumed = words.back() == "--resume";
  const Outcome o = peft(words, {.meanwhile = [&](int pid, const fs::path& output) {
                           REQUIRE(resumed ? wait_for(output, "resumed   after")
                                           : wait_for(dir / out / "metrics.jsonl", "\"step\":40,"));
                           ::kill(pid, SIGINT);
                         }});
  CAPTURE(o.err);
  REQUIRE(o.code == 130);
}

// The state with other counters and a checksum that is right again.
std::string with_counters(const std::string& bytes, const std::function<void(Json&)>& change) {
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  const size_t data = 8 + length;
  Json header = engine::parse_json(bytes.substr(8, length), "header");
  Json state = engine::parse_json(header["__metadata__"]["state"].get<std::string>(), "state");
  change(state);
  header["__metadata__"]["state"] = engine::json_text(state);
  std::string text = engine::json_text(header);
  text.append((8 - text.size() % 8) % 8, ' ');
  length = text.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  out += text + bytes.substr(data);
  out.resize(out.size() - 32);
  return out + engine::hash_bytes(out.data(), out.size());
}

}  // namespace

TEST_CASE("resume: a state of another run, or of an impossible moment, is refused") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews(12));
  const auto words = [&](const std::string& out, const std::string& seed, const Words& more = {}) {
    Words all = {"--max-steps", "3000", "--batch-size", "4", "--seed", seed, "--eval-every", "100"};
    all.insert(all.end(), more.begin(), more.end());
    return finetune(dir, dir / "t.csv", out, all);
  };
  begin(dir, words("a", "1"), "a");
  begin(dir, words("b", "2"), "b");
  const fs::path file = dir / "a" / "training_state.safetensors";
  const std::string own = read_file(file);
  const std::string record = read_file(dir / "a" / "run.json");
  const auto resumed = [&] { return words("a", "1", {"--resume"}); };
  write_file(file, read_file(dir / "b" / "training_state.safetensors"));
  refuses(resumed(), {"training_state.safetensors", "another run"});
  const auto counters = [&](const std::string& key, int64_t value) {
    write_file(file, with_counters(own, [&](Json& state) { state[key] = value; }));
    refuses(resumed(), {"training_state.safetensors"});
  };
  counters("step", 5000);
  counters("step", -1);
  counters("epoch", 1'000'000);
  counters("epoch", -1);
  counters("batch", 3);
  counters("batch", -2);
  counters("optimizer_steps", 1);
  counters("optimizer_steps", 9'000'000'000);
  write_file(file, with_counters(own, [&](Json& state) { state["step"] = "7"; }));
  refuses(resumed(), {"training_state.safetensors"});
  write_file(file, with_counters(own, [](Json&) {}));  // the helper itself makes a good state
  begin(dir, resumed(), "a");
}

TEST_CASE("resume: lost metrics are said, an exchanged best.safetensors is refused") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews(12));
  const auto words = [&](const std::string& out, const std::string& steps, const Words& more = {}) {
    Words all = {"--max-steps", steps,        "--batch-size", "4",          "--eval-every",
                 "5",           "--patience", "1000000",      "--strategy", "full"};
    all.insert(all.end(), more.begin(), more.end());
    return finetune(dir, dir / "t.csv", out, all);
  };
  begin(dir, words("a", "400"), "a");
  fs::copy(dir / "a", dir / "c", fs::copy_options::recursive);
  fs::remove(dir / "a" / "metrics.jsonl");
  const Outcome o = works(words("a", "400", {"--resume"}));
  CHECK(o.says("metrics.jsonl has lost lines"));
  CHECK(engine::json_text(engine::json_file(dir / "a" / "run.json")["notes"]).find("lost lines") !=
        std::string::npos);
  // A line in the middle.
  auto lines = lines_of(read_file(dir / "c" / "metrics.jsonl"));
  lines.erase(lines.begin() + 2);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  write_file(dir / "c" / "metrics.jsonl", text);
  fs::copy(dir / "c", dir / "d", fs::copy_options::recursive);
  CHECK(works(words("c", "400", {"--resume"})).says("lost lines"));
  // The best parameters so far, exchanged. (They are looked at only if the run ends at another step
  // than its best, which is then one of the first.)
  const Json selection = engine::json_file(dir / "c" / "run.json")["selection"];
  write_file(dir / "d" / "best.safetensors", read_file(dir / "c" / "best.safetensors") + "x");
  if (selection["step"].get<int64_t>() <= 40)
    refuses(words("d", "400", {"--resume"}), {"best.safetensors"});
}

TEST_CASE("resume: two runs never write to one folder, with or without its lock file") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews(12));
  const Words words = finetune(dir, dir / "t.csv", "a", {"--max-steps", "1000000"});
  const Outcome first =
      peft(words, {.meanwhile = [&](int pid, const fs::path&) {
             REQUIRE(wait_for(dir / "a" / "metrics.jsonl", "\n"));
             Words resumed = words;
             resumed.push_back("--resume");
             refuses(resumed, {"another process"});
             fs::remove(dir / "a" / "run.lock");
             refuses(resumed, {"another process"});
             fs::create_directories(dir / "b");
             fs::rename(dir / "a" / "metrics.jsonl", dir / "b" / "m");  // whoever moves files about
             fs::rename(dir / "b" / "m", dir / "a" / "metrics.jsonl");
             ::kill(pid, SIGTERM);
           }});
  CHECK(first.code == 143);
}

TEST_CASE("resume: the number of threads is the run's, and temporary files of a kill go") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews(12));
  begin(dir, finetune(dir, dir / "t.csv", "a", {"--max-steps", "3000", "--threads", "2"}), "a");
  CHECK(engine::json_file(dir / "a" / "run.json")["settings"]["threads"] == 2);
  const std::vector<std::string> halves = {"run.json.tmp-1234-5", "adapter/task.json.tmp-1-2",
                                           "submission/SST-2.tsv.tmp-1234-6",
                                           "model/model.safetensors.tmp-77-1"};
  for (const std::string& half : halves) {
    fs::create_directories((dir / "a" / half).parent_path());
    write_file(dir / "a" / half, "half");
  }
  write_file(dir / "a" / "notes.tmp-mine", "a person's");
  const Outcome o = peft({"finetune", "--resume", "--out", (dir / "a").string()},
                         {.meanwhile = [](int pid, const fs::path& output) {
                           REQUIRE(wait_for(output, "resumed   after"));
                           ::kill(pid, SIGINT);
                         }});
  CHECK(o.says("2 threads"));
  for (const std::string& half : halves) {
    CAPTURE(half);
    CHECK_FALSE(fs::exists(dir / "a" / half));
  }
  CHECK(fs::exists(dir / "a" / "notes.tmp-mine"));
}
