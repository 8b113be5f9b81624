// A file that a command writes: beside its place, and moved there at the end, so that what was
// there stays if the command fails.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace apps {

class OutputFile {
 public:
  // Throws engine::Error if the file cannot be written. A device or a pipe is written to directly.
  explicit OutputFile(const std::string& file);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  std::ostream& stream() { return out_; }
  // The end: throws if not all could be written.
  void keep();

 private:
  std::filesystem::path file_, beside_;
  std::ofstream out_;
  bool whole_ = true, kept_ = false;
};

}  // namespace apps
