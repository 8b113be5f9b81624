#include "apps/common/output_file.h"

#include "engine/base/error.h"

namespace apps {

namespace fs = std::filesystem;

OutputFile::OutputFile(const std::string& file) : file_(file), beside_(file + ".part") {
  std::error_code ignored;
  whole_ = !fs::exists(file_, ignored) || fs::is_regular_file(file_, ignored);
  out_.open(whole_ ? beside_ : file_, std::ios::binary);
  engine::check(out_.good(), file, "cannot be written");
}

OutputFile::~OutputFile() {
  std::error_code ignored;
  if (whole_ && !kept_) fs::remove(beside_, ignored);
}

void OutputFile::keep() {
  out_.close();
  engine::check(!out_.fail(), file_.string(), "could not be written (is the disk full?)");
  if (whole_) fs::rename(beside_, file_);
  kept_ = true;
}

}  // namespace apps
