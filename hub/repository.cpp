#include "hub/repository.h"

#include <algorithm>

#include "hub/download.h"

namespace hub {

namespace fs = std::filesystem;
using engine::check;
using engine::concat;

Repository::Repository(Name name, Settings settings, Watcher& watcher)
    : name_(std::move(name)),
      settings_(std::move(settings)),
      watcher_(watcher),
      cache_(settings_.cache, name_.repo),
      commit_(cache_.commit(name_.revision).value_or("")) {}

Repository::~Repository() = default;

Remote& Repository::remote() {
  if (settings_.offline) throw Unreachable("HF_HUB_OFFLINE is set");
  if (!http_available()) throw Unreachable("this build has no libcurl (libcurl4-openssl-dev)");
  if (!remote_) remote_ = std::make_unique<Remote>(settings_, watcher_);
  return *remote_;
}

std::optional<fs::path> Repository::find(const std::string& file) const {
  return known() ? cache_.find(commit_, file) : std::nullopt;
}

bool Repository::absent(const std::string& file) const {
  return known() && cache_.absent(commit_, file);
}

void Repository::refresh() {
  listing_ = remote().list(name_);
  commit_ = listing_.commit;
  cache_.begin(commit_);
  cache_.set_commit(name_.revision, commit_);
}

void Repository::note_absent(const std::vector<std::string>& files) {
  for (const std::string& file : files)
    if (!has(file)) cache_.set_absent(commit_, file);
}

void Repository::fetch(const std::vector<std::string>& files) {
  Progress progress{.model = name_.repo};
  std::vector<std::string> missing;
  for (const std::string& file : files) {
    if (find(file)) continue;
    const auto listed = listing_.files.find(file);
    check(listed != listing_.files.end(), name_.text(), "has no file ", file);
    missing.push_back(file);
    progress.total += std::max<int64_t>(0, listed->second);
  }
  int64_t done = 0, before = 0;
  for (const std::string& file : missing) {
    progress.file = file;
    const FileInfo info = remote().info(name_, commit_, file);
    // Where the listing did not say, or said something else, the total follows the file.
    progress.total += info.size - std::max<int64_t>(0, listing_.files.at(file));
    int64_t left_before = 0;
    const auto show = [&](int64_t bytes, int64_t earlier) {
      left_before = earlier;
      progress.done = done + bytes;
      progress.before = before + earlier;
      watcher_.progress(progress);
    };
    download_blob(remote(), cache_, {name_, commit_, file}, info, show);
    cache_.link(commit_, file, info.etag);
    done += info.size;
    before += left_before;
  }
  if (!missing.empty()) watcher_.finished();
}

}  // namespace hub
