#include "hub/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <fstream>
#include <memory>
#include <set>
#include <string_view>

#include "engine/base/error.h"
#include "hub/name.h"

namespace hub {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

namespace {

constexpr int kMostEntries = 100'000;  // reading past them costs time, although nothing is written

using Reader = std::unique_ptr<archive, int (*)(archive*)>;

std::string words(archive* a) {
  const char* text = archive_error_string(a);
  return text ? text : "it cannot be read";
}

bool leads_out(std::string_view name) {
  if (name.starts_with('/') || name.starts_with('\\')) return true;
  while (true) {
    const size_t end = name.find_first_of("/\\");
    if (name.substr(0, end) == "..") return true;
    if (end == std::string_view::npos) return false;
    name.remove_prefix(end + 1);
  }
}

// The bytes of the current entry. What its header says of its size is not believed.
void write_entry(archive* a, const std::string& what, const fs::path& file, int64_t& left) {
  std::ofstream out(file, std::ios::binary);
  check(out.good(), file.string(), "cannot be written");
  const void* block = nullptr;
  size_t bytes = 0;
  la_int64_t at = 0;
  int64_t written = 0;
  while (true) {
    const int code = archive_read_data_block(a, &block, &bytes, &at);
    if (code == ARCHIVE_EOF) break;
    check(code == ARCHIVE_OK, what, "is damaged: ", words(a));
    check(at == written, what, "is damaged: a file in it has holes");
    left -= static_cast<int64_t>(bytes);
    check(left >= 0, what, "unpacks to far more than such an archive has",
          hint("nothing of it was kept"));
    out.write(static_cast<const char*>(block), static_cast<std::streamsize>(bytes));
    written += static_cast<int64_t>(bytes);
    check(out.good(), file.string(), "cannot be written", hint("is the disk full?"));
  }
  out.close();
  check(out.good(), file.string(), "cannot be written", hint("is the disk full?"));
}

}  // namespace

void unpack(const fs::path& path, const std::string& what,
            const std::map<std::string, std::string>& wanted, const fs::path& folder,
            int64_t most) {
  const Reader reader(archive_read_new(), archive_read_free);
  archive* a = reader.get();
  // The seekable form reads the directory at the end: a file that was cut off is no zip to it.
  check(a && archive_read_support_format_zip_seekable(a) == ARCHIVE_OK, what,
        "cannot be read: libarchive does not start");
  const auto not_a_zip = [&] {
    engine::fail(what, "is not a whole zip file: ", words(a),
                 hint("is the address right, or does a proxy answer in its place?"));
  };
  if (archive_read_open_filename(a, path.c_str(), size_t{1} << 16) != ARCHIVE_OK) not_a_zip();
  std::set<std::string> found;
  for (int entries = 0;; ++entries) {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(a, &entry);
    if (code == ARCHIVE_EOF) break;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) not_a_zip();
    check(entries < kMostEntries, what, "has more than ", kMostEntries, " entries");
    const char* given = archive_entry_pathname(entry);
    if (!given) continue;  // a name that this locale cannot say is none of ours
    const std::string name = given;
    check(!leads_out(name), what, "has a file '", name, "', which leads out of its folder",
          hint("nothing of it was kept"));
    const auto it = wanted.find(name);
    if (it == wanted.end()) continue;
    check(archive_entry_filetype(entry) == S_IFREG && !archive_entry_hardlink(entry) &&
              !archive_entry_symlink(entry),
          what, "'s ", name, " is a link, or no plain file", hint("nothing of it was kept"));
    check(found.insert(name).second, what, "has ", name, " twice");
    check(is_plain_path(it->second), what, "'", it->second, "' is no name of a file");
    write_entry(a, what, folder / it->second, most);
  }
  for (const auto& [name, file] : wanted)
    check(found.contains(name), what, "has no ", name, hint("is it the right archive?"));
}

}  // namespace hub
