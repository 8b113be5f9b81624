#include "apps/generate/resumable.h"

#include <algorithm>
#include <iterator>

#include "engine/base/error.h"

namespace apps {

namespace fs = std::filesystem;

namespace {

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

ResumableLines::ResumableLines(const std::string& file, const std::string& key)
    : file_(file), part_(file + ".part"), key_(file + ".part.key") {
  std::error_code ignored;
  if (fs::exists(file_, ignored) && !fs::is_regular_file(file_, ignored)) {
    part_ = file_;  // a device or a pipe
    out_.open(file_, std::ios::binary);
    engine::check(out_.good(), file, "cannot be written");
    return;
  }
  if (!key.empty() && fs::is_regular_file(part_, ignored) && read_all(key_) == key) {
    const std::string lines = read_all(part_);
    done_ = std::count(lines.begin(), lines.end(), '\n');
    // A line that was cut in the middle is written again; npos + 1 is 0.
    fs::resize_file(part_, lines.rfind('\n') + 1);
  } else {
    fs::remove(part_, ignored);
    std::ofstream(key_, std::ios::binary) << key;
  }
  out_.open(part_, std::ios::binary | std::ios::app);
  engine::check(out_.good() && read_all(key_) == key, file, "cannot be written");
}

void ResumableLines::finish() {
  out_.close();
  engine::check(!out_.fail(), file_.string(), "could not be written (is the disk full?)");
  if (part_ == file_) return;
  fs::rename(part_, file_);
  std::error_code ignored;
  fs::remove(key_, ignored);
}

}  // namespace apps
