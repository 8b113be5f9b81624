// What Hugging Face's cache holds, whether it is whole, and taking models out of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace hub {

struct CachedRevision {
  std::string commit;
  std::vector<std::string> refs;   // "main"
  std::vector<std::string> files;  // sorted, of the snapshot
};

struct CachedModel {
  std::string repo;
  std::filesystem::path folder;
  std::vector<CachedRevision> revisions;
  int64_t bytes = 0;    // of the blobs,
  int64_t partial = 0;  // of which in *.incomplete,
  int64_t shared = 0;   // and in the store of what several models share
};

// The models of a cache by name; empty if there is none. Data sets and what else is there are left
// out.
std::vector<CachedModel> list_cache(const std::filesystem::path& cache);

struct Verified {
  int64_t files = 0, bytes = 0;       // digested and right
  int64_t unchecked = 0;              // whose names are no digests
  std::vector<std::string> problems;  // one line each: the file and what is wrong with it
};

// Compares every blob with the digest that its name is, and every link with what it has to lead to.
// `progress` gets the bytes so far and says whether to go on.
Verified verify(const CachedModel& model, const std::function<bool(int64_t bytes)>& progress = {});

// Removes a revision (its commit or one of its refs) and the blobs that no other one needs; with an
// empty `revision` the whole model. The bytes freed. Throws engine::Error if there is no such
// revision, or if the disk refuses.
int64_t remove(const std::filesystem::path& cache, const CachedModel& model,
               const std::string& revision = "");

}  // namespace hub
