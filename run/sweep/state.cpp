#include "run/sweep/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"

namespace run {
namespace {

namespace fs = std::filesystem;
using engine::Json;

std::optional<double> number(const Json& json, const char* key) {
  if (!json.is_object() || !json.contains(key) || !json[key].is_number()) return std::nullopt;
  return json[key].get<double>();
}

std::optional<double> dev_score(const Json& record) {
  if (!engine::has(record, "metrics") || !record["metrics"].is_object()) return std::nullopt;
  double sum = 0;
  int count = 0;
  for (const auto& [split, values] : record["metrics"].items()) {
    const auto score = number(values, "score");
    if (!split.starts_with("dev") || !score) continue;
    sum += *score;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

// The settings of the plan that the record has with other values: "epochs is 3, the plan says 4".
std::string difference(const Json& record, const SweepRun& run) {
  if (!engine::has(record, "settings") || !record["settings"].is_object()) return "";
  const Json& have = record["settings"];
  std::string out;
  for (const auto& [key, value] : run.settings.items()) {
    static const std::string free[] = {"threads", "log_every", "save_every", "eval_batch_size"};
    if (!have.contains(key) || have[key] == value ||
        std::find(std::begin(free), std::end(free), key) != std::end(free))
      continue;
    out += (out.empty() ? "" : "; ") + key + " is " + engine::json_text(have[key]) +
           ", the plan says " + engine::json_text(value);
  }
  return out;
}

}  // namespace

Claim::~Claim() { ::close(fd_); }

void Claim::keep_on_exec() const { ::fcntl(fd_, F_SETFD, 0); }

SweepFolder::SweepFolder(fs::path path) : path_(std::move(path)) {
  std::error_code error;
  fs::create_directories(path_ / ".sweep", error);
  engine::check(!error, path_.string(), "cannot be made: ", error.message());
}

fs::path SweepFolder::file(const SweepRun& run, const char* ending) const {
  return path_ / ".sweep" / (run.name + ending);
}

fs::path SweepFolder::log_file(const SweepRun& run) const { return file(run, ".log"); }

RunState SweepFolder::state(const SweepRun& run) const {
  RunState state;
  std::error_code error;
  const fs::path record_file = run_folder(run) / "run.json";
  if (fs::is_regular_file(record_file, error)) {
    Json record;
    try {
      record = engine::json_file(record_file);
    } catch (const engine::Error& e) {
      state.status = RunState::Status::failed;
      state.message = e.what();
      return state;
    }
    const std::string other = difference(record, run);
    engine::check(other.empty(), run_folder(run).string(), "holds a run of other settings: ", other,
                  engine::hint("sweep into another folder, or remove this run"));
    state.status = engine::has(record, "status") && record["status"] == "finished"
                       ? RunState::Status::finished
                       : RunState::Status::unfinished;
    state.score = dev_score(record);
    state.seconds = number(record, "seconds");
    if (engine::has(record, "counts")) state.flops = number(record["counts"], "gemm_flops");
  }
  if (state.status != RunState::Status::finished &&
      fs::is_regular_file(file(run, ".json"), error)) {
    state.status = RunState::Status::failed;
    try {
      state.message = engine::get_or<std::string>(engine::json_file(file(run, ".json")), "message",
                                                  "", "failure");
    } catch (const engine::Error&) {
      state.message = "its failure cannot be read";
    }
  }
  return state;
}

std::unique_ptr<Claim> SweepFolder::claim(const SweepRun& run) const {
  const fs::path lock = file(run, ".lock");
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  engine::check(fd >= 0, lock.string(), "cannot be opened: ", std::strerror(errno));
  auto claim = std::make_unique<Claim>(fd);
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    engine::check(errno == EWOULDBLOCK, lock.string(), "cannot be locked: ", std::strerror(errno));
    return nullptr;
  }
  return claim;
}

bool SweepFolder::claimed(const SweepRun& run) const { return claim(run) == nullptr; }

void SweepFolder::record_failure(const SweepRun& run, const std::string& message) const {
  engine::write_file_atomically(file(run, ".json"),
                                engine::json_text(Json{{"message", message}}, 2) + "\n");
}

void SweepFolder::forget_failure(const SweepRun& run) const {
  std::error_code ignored;
  fs::remove(file(run, ".json"), ignored);
}

void SweepFolder::write_record(const Json& json) const {
  engine::write_file_atomically(path_ / "sweep.json", engine::json_text(json, 2) + "\n");
}

}  // namespace run
