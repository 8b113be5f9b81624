// Files that are no plain files, are nested without end, or are large; descriptors that are closed.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "engine/io/json.h"
#include "tests/trust/program.h"

using namespace trust;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

namespace {

std::string nested(size_t depth, const std::string& open, const std::string& close) {
  std::string text;
  for (size_t i = 0; i < depth; ++i) text += open;
  for (size_t i = 0; i < depth; ++i) text += close;
  return text;
}

void pipe_in_place_of(const fs::path& file) {
  fs::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0666) == 0);
}

}  // namespace

TEST_CASE("files: a pipe, a folder or a device where a file should be gets a message") {
  const TempDir dir;
  const fs::path model = model_folder(dir);
  const std::string m = model.string();
  for (const char* name : {"config.json", "model.safetensors", "vocab.txt"}) {
    CAPTURE(name);
    const std::string whole = read_file(model / name);
    pipe_in_place_of(model / name);
    refuses({"inspect", "logits", "--model", m, "tea"}, {name, "a pipe"});
    fs::remove(model / name);
    fs::create_directories(model / name);
    refuses({"inspect", "logits", "--model", m, "tea"}, {name, "folder"});
    fs::remove(model / name);
    fs::create_symlink("/dev/zero", model / name);
    refuses({"inspect", "logits", "--model", m, "tea"}, {name, "a device"});
    fs::remove(model / name);
    write_file(model / name, whole);
  }
  for (const char* name : {"p.csv", "p.tsv", "p.jsonl"}) {
    pipe_in_place_of(dir / name);
    refuses(finetune(dir, dir / name, "r"), {name, "a pipe"});
    refuses({"predict", "--model", m, "--data", (dir / name).string()}, {name, "a pipe"});
  }
  write_file(dir / "t.csv", reviews());
  works(finetune(dir, dir / "t.csv", "r"));
  for (const char* name : {"adapter_config.json", "adapter_model.safetensors", "task.json"}) {
    pipe_in_place_of(dir / "r" / "adapter" / name);
    const Outcome o =
        peft({"merge", "--adapter", (dir / "r").string(), "--out", (dir / "x").string()});
    CHECK((o.code == 1 || std::string(name) == "task.json"));
    fs::remove(dir / "r" / "adapter" / name);
    fs::copy_file(dir / "r" / "run.json", dir / "r" / "adapter" / name);
  }
  pipe_in_place_of(dir / "r" / "run.json");
  refuses(finetune(dir, dir / "t.csv", "r", {"--resume"}), {"run.json", "a pipe"});
  peft({"compare", (dir / "r").string()});  // says what it passed over, and ends
}

TEST_CASE("files: what is written replaces plain files only, and keeps their mode") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  works(finetune(dir, dir / "t.csv", "r"));
  const std::string run = (dir / "r").string();
  write_file(dir / "page.html", "old");
  fs::permissions(dir / "page.html", fs::perms::owner_read | fs::perms::owner_write);
  works({"compare", run, "--html", (dir / "page.html").string()});
  CHECK(read_file(dir / "page.html").size() > 1000);
  CHECK((fs::status(dir / "page.html").permissions() & fs::perms::mask) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  ::mkfifo((dir / "pipe.html").c_str(), 0666);
  refuses({"compare", run, "--html", (dir / "pipe.html").string()}, {"pipe.html", "pipe"});
  refuses({"compare", run, "--csv", "/dev/null"}, {"/dev/null"});
  CHECK(fs::is_character_file("/dev/null"));
  refuses(
      {"inspect", "graph", "--model", "random:layers=1,hidden=32", "--out", dir.path().string()},
      {"folder"});
}

TEST_CASE("files: a full disk behind stdout is an error, whatever the command") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  works(finetune(dir, dir / "t.csv", "r"));
  const RunOptions full{.in_child = [] { ::dup2(::open("/dev/full", O_WRONLY), 1); }};
  for (const Words& words :
       std::vector<Words>{{"--help"},
                          {"compare", (dir / "r").string()},
                          {"inspect", "params", "--model", "random:layers=1,hidden=32"},
                          {"predict", (dir / "r").string(), (dir / "t.csv").string()}})
    refuses(words, {"disk full"}, full);
}

TEST_CASE("files: closed descriptors are not taken by the files of a run") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  int n = 0;
  for (const std::vector<int>& closed :
       std::vector<std::vector<int>>{{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}}) {
    const std::string out = "r" + std::to_string(++n);
    CAPTURE(out);
    const Outcome o = peft(finetune(dir, dir / "t.csv", out), {.in_child = [closed] {
                             for (const int fd : closed) ::close(fd);
                           }});
    const bool no_stdout = std::find(closed.begin(), closed.end(), 1) != closed.end();
    CHECK(o.code == (no_stdout ? 1 : 0));  // the report could not be written
    // The record is whole, and holds nothing that was meant for a terminal.
    CHECK(engine::json_file(dir / out / "run.json")["status"] == "finished");
    for (const std::string& line : lines_of(read_file(dir / out / "metrics.jsonl")))
      CHECK(line.starts_with("{\"step\""));
    CHECK(read_file(dir / out / "run.lock").find("task") == std::string::npos);
  }
  refuses({"predict", (dir / "r1").string(), "-"}, {}, {.in_child = [] { ::close(0); }});
}

TEST_CASE("files: JSON that is nested without end") {
  const TempDir dir;
  const fs::path model = model_folder(dir);
  const std::string m = model.string();
  write_file(dir / "t.csv", reviews());
  works(finetune(dir, dir / "t.csv", "r", {"--model", m, "--strategy", "lora:r=2"}));
  for (const std::string& deep :
       {nested(300000, "[", "]"), nested(100000, "{\"a\":", "}"),
        "{\"a\":" + nested(1000, "[", "]") + "}", nested(200000, "[", "")}) {
    const auto with = [&](const fs::path& file, const Words& words) {
      const std::string whole = fs::exists(file) ? read_file(file) : "";
      write_file(file, deep);
      refuses(words, {file.filename().string()});
      if (whole.empty())
        fs::remove(file);
      else
        write_file(file, whole);
    };
    with(model / "config.json", {"inspect", "params", "--model", m});
    with(model / "tokenizer.json", {"inspect", "tokens", "--model", m, "tea"});
    with(model / "tokenizer_config.json", {"inspect", "tokens", "--model", m, "tea"});
    with(model / "special_tokens_map.json", {"inspect", "tokens", "--model", m, "tea"});
    with(dir / "r" / "adapter" / "adapter_config.json",
         {"merge", "--adapter", (dir / "r").string(), "--out", (dir / "x").string()});
    with(dir / "r" / "run.json", finetune(dir, dir / "t.csv", "r", {"--resume", "--model", m}));
    with(dir / "d.jsonl", finetune(dir, dir / "d.jsonl", "q"));
    with(dir / "plan.json",
         {"sweep", "--plan", (dir / "plan.json").string(), "--out", (dir / "s").string()});
  }
}

TEST_CASE("files: patterns run in linear time, and say what they cannot") {
  const TempDir dir;
  const auto sites = [&](const std::string& pattern) {
    return Words{"inspect", "sites", "--model", "random:layers=2,hidden=32", "--pattern", pattern};
  };
  CHECK(works(sites(".*(query|value)")).says("query"));
  refuses(sites("(?=.*query).*"), {"(?=", "look-around"});
  refuses(sites(".*(?<!key)"), {"(?<!", "look-around"});
  refuses(sites("(.*)\\1"), {"regular expression"});
  refuses(sites("(((((a*)*)*)*)*)*b"), {"matches no linear layer"});
  refuses(sites(std::string(50000, '(') + std::string(50000, ')')), {});
  refuses(sites("(x+x+)+y{1,1000}{1,1000}"), {"regular expression"});
}

TEST_CASE("files: a header of many tensors is read in one pass") {
  const TempDir dir;
  const fs::path model = model_folder(dir);
  const std::string whole = read_file(model / "model.safetensors");
  uint64_t length = 0;
  std::memcpy(&length, whole.data(), 8);
  std::string header = whole.substr(8, length), data = whole.substr(8 + length);
  header.resize(header.rfind('}'));
  for (int i = 0; i < 60000; ++i)
    header += ",\"x" + std::to_string(i) +
              ".bert.embeddings.word_embeddings.weight\":{\"dtype\":\"F32\",\"shape\":[0],"
              "\"data_offsets\":[0,0]}";
  header += "}";
  length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  write_file(model / "model.safetensors", bytes + header + data);
  works({"inspect", "logits", "--model", model.string(), "tea"});  // within program.cpp's alarm
}
