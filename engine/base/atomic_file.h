// A file that is there completely or not at all: written beside its place, synced, then renamed
// over it.
//
// A full disk, a short write or an exception leaves the older file untouched and removes the
// temporary one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

class AtomicFile {
 public:
  // Opens a temporary file in the folder of `path`, which must exist; it will have the mode of the
  // file that it replaces. Throws engine::Error that names the file; so do all others. A folder, a
  // device or a pipe is not replaced.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();  // without commit(), nothing has happened
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t bytes);  // buffered
  void write(std::string_view text) { write(text.data(), text.size()); }

  // What is written from here on replaces the beginning.
  void rewind();

  // Syncs and renames. Afterwards the file is complete, whatever happens to the machine.
  void commit();

 private:
  void flush();
  [[noreturn]] void failed(const char* doing, int error);

  std::filesystem::path path_;
  std::string temporary_;
  std::vector<char> buffer_;
  int fd_ = -1;
};

// Removes what killed processes left of files that they were writing in `folder`. For a folder in
// which nobody else is writing.
void remove_temporaries(const std::filesystem::path& folder);

// The whole of a small file at once.
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

}  // namespace engine
