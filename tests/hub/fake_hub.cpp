#include "tests/hub/fake_hub.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <sstream>

namespace testing {

std::unique_ptr<FakeHub> FakeHub::start() {
  if (!hub::http_available()) {
    std::printf("skipped: this build has no libcurl\n");
    return nullptr;
  }
  std::unique_ptr<FakeHub> hub(new FakeHub);
  int in[2], out[2];
  REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
  const std::string script = (source_dir() / "tests" / "hub" / "hub.py").string();
  hub->pid_ = ::fork();
  REQUIRE(hub->pid_ >= 0);
  if (hub->pid_ == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::execlp("python3", "python3", script.c_str(), hub->root_.path().c_str(), nullptr);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  hub->in_ = in[1];
  std::string line;
  for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';) line += c;
  ::close(out[0]);
  if (line.empty()) {
    std::printf("skipped: no python3 to be a hub\n");
    return nullptr;
  }
  hub->port_ = line.substr(0, line.find(' '));
  return hub;
}

FakeHub::~FakeHub() {
  if (in_ >= 0) ::close(in_);
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void FakeHub::write(const std::string& name, const std::string& file, const std::string& content) {
  const std::filesystem::path path = root_ / name / file;
  std::filesystem::create_directories(path.parent_path());
  write_file(path, content);
}

void FakeHub::add(const std::string& name, size_t bytes) {
  write(name, "config.json", R"({"model_type": "bert", "name": ")" + name + "\"}");
  write(name, "tokenizer.json", R"({"model": {}})");
  write(name, "tokenizer_config.json", "{}");
  write(name, "README.md", "not needed");
  write(name, "model.safetensors", noise(bytes));
  write(name, "tf_model.h5", "not needed either");
}

std::string FakeHub::get(const std::string& path) {
  hub::Http http({}, [] { return false; });
  return http.ask({.url = endpoint() + path}).body;
}

void FakeHub::mode(const std::string& query) { get("/_mode?" + query); }

std::vector<engine::Json> FakeHub::log() {
  std::vector<engine::Json> lines;
  std::istringstream text(get("/_log"));
  for (std::string line; std::getline(text, line);)
    lines.push_back(engine::parse_json(line, "log"));
  return lines;
}

size_t FakeHub::asked(const std::string& part) {
  size_t count = 0;
  for (const engine::Json& line : log())
    count += engine::json_text(line).find(part) != std::string::npos;
  return count;
}

hub::Settings FakeHub::settings(const TempDir& dir) const {
  hub::Settings s;
  s.cache = dir / "cache";
  s.endpoint = endpoint();
  s.tries = 3;
  s.pause = 0.01;
  s.longest_pause = 2;
  s.metadata_seconds = s.download_seconds = 20;
  return s;
}

bool Recorder::noted(const std::string& part) const {
  for (const std::string& line : notes)
    if (line.find(part) != std::string::npos) return true;
  return false;
}

std::string noise(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

}  // namespace testing
