// One model in Hugging Face's cache, in huggingface_hub's layout, which both read and write:
//
//   models--org--name/refs/main                     the commit that main was when it was last asked
//   models--org--name/blobs/<etag>                  contents
//   models--org--name/snapshots/<commit>/<file>     a link to ../../blobs/<etag>
//   models--org--name/.no_exist/<commit>/<file>     empty: that commit has no such file
//   .locks/models--org--name/<etag>.lock            flock: who downloads the blob
//   blobs/                                          contents that models share; only read here
//
// Files are put in place by renaming, contents first, then links: a process that is killed leaves
// nothing half done but blobs/<etag>.incomplete.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hub {

class Cache {
 public:
  // `cache` need not exist; nothing is written before it has to be.
  Cache(const std::filesystem::path& cache, const std::string& repo);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path snapshot(const std::string& commit) const;
  std::filesystem::path blob(const std::string& etag) const;
  std::filesystem::path lock(const std::string& etag) const;

  // The commit of a revision: itself, or as refs/ has it; nullopt if that is not known.
  std::optional<std::string> commit(const std::string& revision) const;
  // A file of a commit; nullopt if it is not there, or if its link leads out of the model's folder.
  std::optional<std::filesystem::path> find(const std::string& commit,
                                            const std::string& file) const;
  // Whether the hub has said that the commit has no such file.
  bool absent(const std::string& commit, const std::string& file) const;

  // All throw engine::Error where the disk refuses.
  void begin(const std::string& commit);  // makes the folders; before all others
  void set_commit(const std::string& revision, const std::string& commit);
  void set_absent(const std::string& commit, const std::string& file);
  void link(const std::string& commit, const std::string& file, const std::string& etag);

 private:
  std::filesystem::path cache_, folder_;
};

// Whether `path`, all links followed, lies in `folder`, all links followed.
bool leads_into(const std::filesystem::path& path, const std::filesystem::path& folder);

}  // namespace hub
