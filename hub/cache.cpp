#include "hub/cache.h"

#include <unistd.h>

#include <atomic>
#include <fstream>

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

// A name for what is written before it gets its place. huggingface_hub looks at every entry of the
// cache, of refs/ and of snapshots/, so what a killed process leaves may be in none of them.
fs::path aside(const fs::path& folder) {
  static std::atomic<unsigned> count{0};
  return folder / engine::concat(".tmp-", ::getpid(), "-", ++count);
}

void place(const fs::path& made, const fs::path& path) {
  std::error_code error;
  fs::rename(made, path, error);
  if (!error) return;
  std::error_code ignored;
  fs::remove(made, ignored);
  engine::fail(path.string(), "cannot be written: ", error.message());
}

void write(const fs::path& path, const std::string& text, const fs::path& folder) {
  const fs::path made = aside(folder);
  std::ofstream out(made, std::ios::binary);
  out << text;
  out.close();
  check(out.good(), made.string(), "cannot be written");
  place(made, path);
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
  // huggingface_hub calls a model damaged that has no snapshots, and refs that lead to none: a
  // model appears with its first snapshot, and refs come later.
  make_folder(cache_ / ".locks");
  std::error_code error;
  if (!fs::exists(folder_, error)) {
    const fs::path made = aside(cache_ / ".locks");
    make_folder(made / "snapshots" / commit);
    fs::rename(made, folder_, error);
    if (error) fs::remove_all(made, error);  // another process was faster
  }
  make_folder(snapshot(commit));
  make_folder(folder_ / "blobs");
  make_folder(folder_ / "refs");
  const fs::path tag = cache_ / "CACHEDIR.TAG";  // tells backup programs to leave it out
  if (fs::exists(tag, error)) return;
  write(tag, "Signature: 8a477f597d28d172789f06886806bc55\n", cache_ / ".locks");
}

void Cache::set_commit(const std::string& revision, const std::string& commit) {
  if (revision == commit || this->commit(revision) == commit) return;
  const fs::path ref = folder_ / "refs" / revision;
  make_folder(ref.parent_path());
  write(ref, commit, folder_);
}

void Cache::set_absent(const std::string& commit, const std::string& file) {
  if (!is_plain_path(file) || absent(commit, file)) return;
  const fs::path mark = folder_ / ".no_exist" / commit / file;
  make_folder(mark.parent_path());
  std::ofstream(mark, std::ios::binary);
}

void Cache::link(const std::string& commit, const std::string& file, const std::string& etag) {
  check(is_plain_path(file), "hub", "a file is named '", file, "', which leads out of its folder");
  const fs::path path = snapshot(commit) / file;
  make_folder(path.parent_path());
  const fs::path target = blob(etag).lexically_relative(path.parent_path());
  std::error_code error;
  fs::create_symlink(target, path, error);
  if (!error || fs::read_symlink(path, error) == target) return;
  const fs::path made = aside(folder_);
  fs::remove(made, error);  // of a process that was killed
  fs::create_symlink(target, made, error);
  // A file system without links gets the blob itself, as huggingface_hub has it.
  place(error ? blob(etag) : made, path);
}

}  // namespace hub
