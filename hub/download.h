// One file from a server: resumed where an earlier process stopped, checked against its tag where
// that is a digest, and only then given its name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "hub/cache.h"
#include "hub/remote.h"

namespace hub {

struct Wanted {
  Name name;
  std::string commit, file;
};

// Called with the bytes that are there, and with those that were there at the start.
using Grown = std::function<void(int64_t bytes, int64_t before)>;

// Where a file goes, and how errors speak of it.
struct Place {
  std::string what;                              // "org/name/model.safetensors"
  std::filesystem::path file, lock;              // one process at a time holds `lock`
  const char* elsewhere;                         // what to do about a full disk
  std::function<void(const Answer&)> explain{};  // throws what an answer means
};

// Makes place.file, if it is not there; until it is whole it is called <file>.incomplete. Throws
// Unreachable, Stopped and engine::Error.
void download_file(Remote& remote, const Place& place, const FileInfo& info, const Grown& grown);

// Makes blobs/<etag> of `info`, if it is not there. Throws Unreachable, Stopped and engine::Error;
// what was downloaded until then stays in <etag>.incomplete.
void download_blob(Remote& remote, const Cache& cache, const Wanted& wanted, const FileInfo& info,
                   const Grown& grown);

}  // namespace hub
