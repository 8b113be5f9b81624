// metrics.jsonl: appended a line at a time, cut back when a run resumes.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/base/error.h"
#include "engine/io/mapped_file.h"
#include "engine/io/run_folder.h"

namespace engine {
namespace {

// fn(line, number, offset) for every line that ends in a newline, until it returns false. Returns
// where it stopped: the offset behind the last accepted line.
template <class F>
size_t each_line(const std::filesystem::path& path, F&& fn) {
  const auto file = MappedFile::open(path);
  const std::string_view text(reinterpret_cast<const char*>(file->data()), file->size());
  size_t begin = 0;
  for (int64_t number = 1;; ++number) {
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos || !fn(text.substr(begin, end - begin), number)) return begin;
    begin = end + 1;
  }
}

std::string place(const std::filesystem::path& path, int64_t number) {
  return concat(path.string(), ", line ", number);
}

}  // namespace

void RunFolder::append(const Json& line) {
  const std::string where = metrics_file().string();
  get<int64_t>(line, "step", where);
  const std::string text = json_text(line) + "\n";
  struct stat before {};
  check(::fstat(metrics_, &before) == 0, where, "cannot be written: ", std::strerror(errno));
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = ::write(metrics_, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      const int error = wrote < 0 ? errno : ENOSPC;
      const bool whole = ::ftruncate(metrics_, before.st_size) == 0;  // no half line stays behind
      fail(where, "cannot be written: ", std::strerror(error),
           whole ? "" : " (and its last line is cut short)");
    }
    done += static_cast<size_t>(wrote);
  }
  ++lines_;
}

int64_t RunFolder::rewind(int64_t step) {
  const std::filesystem::path file = metrics_file();
  int64_t kept = 0, all = 0;
  const size_t keep = each_line(file, [&](std::string_view line, int64_t number) {
    const std::string where = place(file, number);
    if (get<int64_t>(parse_json(line, where), "step", where) > step) return false;
    ++kept;
    return true;
  });
  const size_t end = each_line(file, [&](std::string_view, int64_t) { return ++all > 0; });
  std::error_code none;
  const bool partial = end < std::filesystem::file_size(file, none);
  check(::ftruncate(metrics_, static_cast<off_t>(keep)) == 0, file.string(),
        "cannot be cut back: ", std::strerror(errno));
  lines_ = kept;
  return all - kept + (partial ? 1 : 0);
}

std::vector<Json> read_metrics(const std::filesystem::path& file) {
  std::vector<Json> lines;
  each_line(file, [&](std::string_view line, int64_t number) {
    lines.push_back(parse_json(line, place(file, number)));
    return true;
  });
  return lines;
}

}  // namespace engine
