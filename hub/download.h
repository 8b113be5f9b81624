// One blob from the hub into the cache: resumed where an earlier process stopped, checked against
// its tag, and only then given its name.
#pragma once

#include <cstdint>
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

// Makes blobs/<etag> of `info`, if it is not there. Throws Unreachable, Stopped and engine::Error;
// what was downloaded until then stays in <etag>.incomplete.
void download_blob(Remote& remote, const Cache& cache, const Wanted& wanted, const FileInfo& info,
                   const Grown& grown);

}  // namespace hub
