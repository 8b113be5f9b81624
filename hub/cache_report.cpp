#include "hub/cache_report.h"

#include <algorithm>
#include <set>

#include "engine/base/error.h"
#include "hub/cache.h"
#include "hub/digest.h"
#include "hub/name.h"

namespace hub {

namespace fs = std::filesystem;
using engine::check;
using engine::concat;
using engine::hint;

namespace {

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    found.push_back(it->path());
  std::sort(found.begin(), found.end());
  return found;
}

// Every file and link below a folder, as paths from it; links to folders are not followed.
std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error))
    if (it->is_symlink(error) || !it->is_directory(error))
      found.push_back(it->path().lexically_relative(folder).generic_string());
  std::sort(found.begin(), found.end());
  return found;
}

int64_t size_of(const fs::path& file) {
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  return error ? 0 : static_cast<int64_t>(bytes);
}

// Of contents that lie here; what other models share stays when this one goes.
int64_t own_size(const fs::path& blob) {
  std::error_code error;
  return fs::is_symlink(blob, error) ? 0 : size_of(blob);
}

bool is_partial(const fs::path& blob) { return blob.filename().string().ends_with(".incomplete"); }

}  // namespace

std::vector<CachedModel> list_cache(const fs::path& cache) {
  std::vector<CachedModel> models;
  for (const fs::path& folder : entries(cache)) {
    const auto repo = repo_of(folder.filename().string());
    std::error_code error;
    if (!repo || !fs::is_directory(folder, error)) continue;
    CachedModel model{.repo = *repo, .folder = folder};
    const Cache of(cache, *repo);
    for (const fs::path& snapshot : entries(folder / "snapshots")) {
      CachedRevision revision{.commit = snapshot.filename().string()};
      revision.files = files_below(snapshot);
      for (const std::string& ref : files_below(folder / "refs"))
        if (of.commit(ref) == revision.commit) revision.refs.push_back(ref);
      model.revisions.push_back(std::move(revision));
    }
    for (const fs::path& blob : entries(folder / "blobs")) {
      model.bytes += size_of(blob);
      model.shared += size_of(blob) - own_size(blob);
      if (is_partial(blob)) model.partial += size_of(blob);
    }
    models.push_back(std::move(model));
  }
  return models;
}

Verified verify(const CachedModel& model, const std::function<bool(int64_t)>& progress) {
  Verified result;
  int64_t seen = 0;
  for (const fs::path& blob : entries(model.folder / "blobs")) {
    if (is_partial(blob)) continue;
    const int64_t size = size_of(blob);
    seen += size;
    const std::string name = blob.filename().string();
    const DigestKind kind = digest_kind(name);
    if (kind == DigestKind::none) {
      ++result.unchecked;
    } else if (const std::string digest = digest_of(blob, kind, size); digest != name) {
      result.problems.push_back(concat(blob.string(), ": its digest is ", digest));
    } else {
      ++result.files;
      result.bytes += size;
    }
    if (progress && !progress(seen)) return result;
  }
  const Cache cache(model.folder.parent_path(), model.repo);
  for (const CachedRevision& revision : model.revisions)
    for (const std::string& file : revision.files) {
      const fs::path path = cache.snapshot(revision.commit) / file;
      std::error_code error;
      if (!fs::exists(path, error))
        result.problems.push_back(path.string() + ": the blob that it leads to is not there");
      else if (!cache.find(revision.commit, file))
        result.problems.push_back(path.string() + ": it leads out of the model's folder");
    }
  for (const std::string& ref : files_below(model.folder / "refs")) {
    const auto commit = cache.commit(ref);
    std::error_code error;
    if (!commit || !fs::is_directory(cache.snapshot(*commit), error))
      result.problems.push_back((model.folder / "refs" / ref).string() +
                                ": the commit that it names is not there");
  }
  return result;
}

int64_t remove(const fs::path& cache, const CachedModel& model, const std::string& revision) {
  const auto erase = [](const fs::path& path) {
    std::error_code error;
    fs::remove_all(path, error);  // follows no link
    check(!error, path.string(), "cannot be removed: ", error.message());
  };
  if (revision.empty()) {
    // What leads to blobs goes first: killed in between, nothing leads nowhere.
    for (const char* part : {"refs", "snapshots"}) erase(model.folder / part);
    erase(model.folder);
    erase(cache / ".locks" / model.folder.filename());
    return model.bytes - model.shared;
  }
  const auto it =
      std::find_if(model.revisions.begin(), model.revisions.end(), [&](const CachedRevision& r) {
        return r.commit == revision ||
               std::find(r.refs.begin(), r.refs.end(), revision) != r.refs.end();
      });
  check(it != model.revisions.end(), model.repo, "the cache has no revision '", revision, "' of it",
        hint("peft cache list shows what it has"));
  if (model.revisions.size() == 1) return remove(cache, model);
  std::set<fs::path> needed;
  for (const CachedRevision& other : model.revisions)
    for (const std::string& file : other.files) {
      std::error_code error;
      const fs::path path = model.folder / "snapshots" / other.commit / file;
      if (other.commit != it->commit) needed.insert(fs::read_symlink(path, error).filename());
    }
  for (const std::string& ref : it->refs) erase(model.folder / "refs" / ref);
  erase(model.folder / "snapshots" / it->commit);
  erase(model.folder / ".no_exist" / it->commit);
  int64_t freed = 0;
  for (const fs::path& blob : entries(model.folder / "blobs")) {
    if (needed.contains(blob.filename()) || is_partial(blob)) continue;
    freed += own_size(blob);
    erase(blob);
  }
  return freed;
}

}  // namespace hub
