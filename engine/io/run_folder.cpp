#include "engine/io/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"

namespace engine {
namespace {

constexpr int kVersion = 1;

std::string joined(const std::vector<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys) text += (text.empty() ? "" : ", ") + key;
  return text;
}

// As it will be read back: a float keeps its text, what is not finite is null.
Json as_stored(const Json& json) { return parse_json(json_text(json), "settings"); }

}  // namespace

RunFolder::RunFolder(const std::filesystem::path& path, const Json& settings, Start start,
                     const std::vector<std::string>& may_change)
    : path_(path) {
  check(settings.is_object(), path.string(), "settings should be an object, found ",
        json_found(settings));
  std::error_code error;
  std::filesystem::create_directories(path, error);
  check(!error && std::filesystem::is_directory(path, error), path.string(),
        "cannot be made: ", error ? error.message() : "there is a file of that name");
  try {
    lock();
    // Only in folders that are a run's own: others may hold runs that are being written.
    for (const char* own : {"", "adapter", "model", "submission"}) remove_temporaries(path_ / own);
    open(as_stored(settings), start, may_change);
  } catch (...) {  // a constructor that throws has no destructor
    close();
    throw;
  }
}

RunFolder::~RunFolder() { close(); }

void RunFolder::close() {
  if (metrics_ >= 0) ::close(metrics_);
  if (lock_ >= 0) ::close(lock_);  // and with it the lock
  if (folder_lock_ >= 0) ::close(folder_lock_);
  metrics_ = lock_ = folder_lock_ = -1;
}

void RunFolder::lock() {
  const std::string file = (path_ / "run.lock").string();
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  check(lock_ >= 0, file, "cannot be opened: ", std::strerror(errno));
  // Of the folder too, for who removes run.lock. Some file systems have no locks of folders.
  folder_lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool free =
      folder_lock_ < 0 || ::flock(folder_lock_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
  if (free && ::flock(lock_, LOCK_EX | LOCK_NB) == 0) {
    const std::string owner = std::to_string(::getpid()) + "\n";  // only for the message below
    if (::ftruncate(lock_, 0) == 0 && ::write(lock_, owner.data(), owner.size()) < 0) return;
    return;
  }
  char owner[32] = {};
  const ssize_t got = ::pread(lock_, owner, sizeof owner - 1, 0);
  std::string process(owner, static_cast<size_t>(std::max<ssize_t>(got, 0)));
  process = process.substr(0, process.find('\n'));
  fail(path_.string(), "another process", process.empty() ? "" : " (" + process + ")",
       " is writing to this folder", hint("wait for it to end, or choose another folder"));
}

void RunFolder::open(const Json& settings, Start start,
                     const std::vector<std::string>& may_change) {
  std::error_code none;
  const bool recorded = std::filesystem::exists(record_file(), none);
  if (start == Start::fresh) {
    for (const auto& file : {record_file(), metrics_file(), state_file()}) {
      if (!std::filesystem::exists(file, none)) continue;
      std::string what = "it has a " + file.filename().string();
      if (recorded) {
        const Json before = json_file(record_file());
        const auto keys = differing_keys(
            get_or<Json>(before, "settings", Json::object(), record_file().string()), settings);
        what = keys.empty() ? "with the same settings" : "with other settings: " + joined(keys);
      }
      fail(path_.string(), "already holds a run (", what, ")",
           hint("continue it with --resume, choose another folder, or remove this one"));
    }
    record_ = {{"version", kVersion}, {"settings", settings}};
  } else {
    check(recorded, path_.string(), "holds no run to resume", hint("start it without --resume"));
    record_ = json_file(record_file());
    const std::string where = record_file().string();
    const auto version = get<int64_t>(record_, "version", where);
    check(version == kVersion, where, "has version ", version, ", and this program knows ",
          kVersion);
    std::vector<std::string> keys = differing_keys(get<Json>(record_, "settings", where), settings);
    std::erase_if(keys, [&](const std::string& key) {
      return std::any_of(may_change.begin(), may_change.end(), [&](const std::string& free) {
        return key == free || key.starts_with(free + ".");
      });
    });
    check(keys.empty(), path_.string(), "the run was started with other settings: ", joined(keys),
          hint("resume with the settings in run.json, or start another run elsewhere"));
    record_["settings"] = settings;
  }
  write_file_atomically(record_file(), json_text(record_, 2) + "\n");
  metrics_ = ::open(metrics_file().c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  check(metrics_ >= 0, metrics_file().string(), "cannot be opened: ", std::strerror(errno));
  if (start == Start::resume)
    rewind(std::numeric_limits<int64_t>::max());  // only a line that was cut short
}

void RunFolder::update(const Json& fields) {
  check(fields.is_object(), record_file().string(), "fields should be an object, found ",
        json_found(fields));
  Json next = record_;
  for (const auto& [key, value] : fields.items()) next[key] = value;
  write_file_atomically(record_file(), json_text(next, 2) + "\n");
  record_ = std::move(next);
}

std::vector<std::string> differing_keys(const Json& a, const Json& b) {
  if (a == b) return {};
  std::vector<std::string> keys;
  const auto compare = [&](const std::string& key) {
    const bool here = a.contains(key), there = b.contains(key);
    if (here && there && a[key] == b[key]) return;
    const bool inside = here && there && a[key].is_object() && b[key].is_object();
    if (!inside) return keys.push_back(key);
    for (const std::string& sub : differing_keys(a[key], b[key])) keys.push_back(key + "." + sub);
  };
  if (!a.is_object() || !b.is_object()) return {"(all)"};
  for (const auto& item : a.items()) compare(item.key());
  for (const auto& item : b.items())
    if (!a.contains(item.key())) compare(item.key());
  return keys;
}

}  // namespace engine
