// Lines of text from a file, from standard input, plain or .xz: told apart by the first bytes, read
// in pieces.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace data {

class TextSource {
 public:
  // "-" is standard input. Throws engine::Error that names the file if it cannot be read.
  explicit TextSource(const std::filesystem::path& path);
  ~TextSource();
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;

  // The next line without its end ("\n" or "\r\n"); false at the end. A last line needs no end.
  // Throws for damaged .xz data.
  bool line(std::string& into);

  int64_t bytes_read() const { return bytes_; }  // of the file itself, compressed or not
  bool compressed() const;

 private:
  struct Xz;
  bool fill();  // more text in buffer_[begin_, end_); false at the end
  size_t read_raw(char* into, size_t most);

  std::string name_;
  int fd_ = -1;
  int64_t bytes_ = 0;
  std::unique_ptr<Xz> xz_;
  std::string raw_, buffer_;
  size_t raw_begin_ = 0, raw_end_ = 0, begin_ = 0, end_ = 0;
  bool raw_done_ = false;
};

}  // namespace data
