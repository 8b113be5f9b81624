// Lines that a long command writes one by one, and goes on with when it is started again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace apps {

// Until the end the lines stand in FILE.part, beside FILE.part.key, which says what they belong to.
class ResumableLines {
 public:
  // `key` tells one job from another: lines of the same key that are there already are kept, those
  // of another, or with an empty key all, are begun anew. A device or a pipe is written to
  // directly. Throws engine::Error if the file cannot be written.
  ResumableLines(const std::string& file, const std::string& key);

  int64_t done() const { return done_; }  // lines that an earlier start has written
  std::ostream& stream() { return out_; }
  // All lines are there: moves them to their place. Throws if not all could be written.
  void finish();

 private:
  std::filesystem::path file_, part_, key_;
  std::ofstream out_;
  int64_t done_ = 0;
};

}  // namespace apps
