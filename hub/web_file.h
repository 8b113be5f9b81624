// One file at an address of its own, from a server that is no hub: a data set's archive.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "hub/download.h"
#include "hub/remote.h"

namespace hub {

struct WebFile {
  std::string url;
  std::string what;              // in messages: "SST-2.zip"
  std::filesystem::path folder;  // for the download and what an interrupted one has left
  std::filesystem::path lock;
  const char* elsewhere;  // how to choose another place for it: "HF_HOME"
  int64_t most = 0;       // bytes, more are refused
};

// Asks how large the file is, and for its tag. The tag is a part of the download's name, so that
// two versions of a file are never joined. Throws NotFound, Unreachable, Stopped, engine::Error.
FileInfo web_info(Remote& remote, const WebFile& file);

// The whole file's path: `folder`/<last part of the URL>.<tag>.
std::filesystem::path fetch_web_file(Remote& remote, const WebFile& file, const FileInfo& info,
                                     const Grown& grown);

}  // namespace hub
