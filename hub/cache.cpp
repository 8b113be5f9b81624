#include "hub/cache.h"

#include <unistd.h>

#include <atomic>
#include <fstream>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "hub/name.h"

namespace hub {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

namespace {

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  check(!error, folder.string(), "cannot be made: ", error.message(),
        hint("HF_HOME or HF_HUB_CACHE names another place for the cache"));
}

}  // namespace

bool leads_into(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const fs::path inner = fs::canonical(path, error);
  if (error) return false;
  const fs::path outer = fs::canonical(folder, error);
  if (error) return false;
  const fs::path way = inner.lexically_relative(outer);
  return !way.empty() && *way.begin() != "..";
}

Cache::Cache(const fs::path& cache, const std::string& repo)
    : cache_(cache), folder_(cache / folder_name(repo)) {}

fs::path Cache::snapshot(const std::string& commit) const { return folder_ / "snapshots" / commit; }
fs::path Cache::blob(const std::string& etag) const { return folder_ / "blobs" / etag; }
fs::path Cache::lock(const std::string& etag) const {
  return cache_ / ".locks" / folder_.filename() / (etag + ".lock");
}

std::optional<std::string> Cache::commit(const std::string& revision) const {
  std::error_code error;
  const fs::path ref = folder_ / "refs" / revision;
  if (is_plain_path(revision) && fs::is_regular_file(ref, error)) {
    std::ifstream in(ref);
    std::string text;
    in >> text;
    if (is_commit(text)) return text;
  }
  if (is_commit(revision)) return revision;
  return std::nullopt;
}

std::optional<fs::path> Cache::find(const std::string& commit, const std::string& file) const {
  const fs::path path = snapshot(commit) / file;
  std::error_code error;
  // Some put blobs/ on another disk, and newer huggingface_hubs keep contents that several models
  // share in the cache's own blobs/: what lies there is the model's as well.
  if (!is_plain_path(file) || !fs::is_regular_file(path, error) ||
      !(leads_into(path, folder_) || leads_into(path, folder_ / "blobs") ||
        leads_into(path, cache_ / "blobs")))
    return std::nullopt;
  return path;
}

bool Cache::absent(const std::string& commit, const std::string& file) const {
  std::error_code error;
  return is_plain_path(file) && fs::is_regular_file(folder_ / ".no_exist" / commit / file, error);
}

void Cache::begin(const std::string& commit) {
  // The snapshot comes before the ref that names it: huggingface_hub calls a cache damaged whose
  // refs lead nowhere.
  make_folder(snapshot(commit));
  make_folder(folder_ / "blobs");
  make_folder(folder_ / "refs");
  const fs::path tag = cache_ / "CACHEDIR.TAG";  // tells backup programs to leave it out
  std::error_code error;
  if (!fs::exists(tag, error))
    engine::write_file_atomically(tag, "Signature: 8a477f597d28d172789f06886806bc55\n");
}

void Cache::set_commit(const std::string& revision, const std::string& commit) {
  if (revision == commit || this->commit(revision) == commit) return;
  const fs::path ref = folder_ / "refs" / revision;
  make_folder(ref.parent_path());
  engine::write_file_atomically(ref, commit);
}

void Cache::set_absent(const std::string& commit, const std::string& file) {
  if (!is_plain_path(file) || absent(commit, file)) return;
  const fs::path mark = folder_ / ".no_exist" / commit / file;
  make_folder(mark.parent_path());
  std::ofstream(mark, std::ios::binary);
}

void Cache::link(const std::string& commit, const std::string& file, const std::string& etag) {
  check(is_plain_path(file), "hub", "a file is named '", file, "', which leads out of its folder");
  const fs::path place = snapshot(commit) / file;
  make_folder(place.parent_path());
  const fs::path target = blob(etag).lexically_relative(place.parent_path());
  std::error_code error;
  fs::create_symlink(target, place, error);
  if (!error || fs::read_symlink(place, error) == target) return;
  static std::atomic<unsigned> count{0};
  const fs::path made = engine::concat(place.string(), ".tmp-", ::getpid(), "-", ++count);
  fs::create_symlink(target, made, error);
  if (error) {  // a file system without links: the blob moves, as huggingface_hub has it
    fs::rename(blob(etag), place, error);
    check(!error, place.string(), "cannot be written: ", error.message());
    return;
  }
  fs::rename(made, place, error);
  if (!error) return;
  std::error_code ignored;
  fs::remove(made, ignored);
  engine::fail(place.string(), "cannot be written: ", error.message());
}

}  // namespace hub
