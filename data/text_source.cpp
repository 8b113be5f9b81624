#include "data/text_source.h"

#include <fcntl.h>
#include <lzma.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/base/error.h"

namespace data {

using engine::check;
using engine::fail;
using engine::hint;

namespace {
constexpr size_t kPiece = 1 << 18;
constexpr char kXzMagic[] = {'\xFD', '7', 'z', 'X', 'Z', '\0'};
}  // namespace

struct TextSource::Xz {
  lzma_stream stream = LZMA_STREAM_INIT;
  bool ended = false;
  ~Xz() { lzma_end(&stream); }
};

TextSource::TextSource(const std::filesystem::path& path)
    : name_(path == "-" ? "standard input" : path.string()) {
  fd_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  check(fd_ >= 0, "corpus", "cannot read ", name_, ": ", std::strerror(errno));
  raw_.resize(kPiece);
  while (raw_end_ < sizeof kXzMagic) {
    const size_t n = read_raw(raw_.data() + raw_end_, raw_.size() - raw_end_);
    if (n == 0) break;
    raw_end_ += n;
  }
  if (raw_end_ >= sizeof kXzMagic && std::memcmp(raw_.data(), kXzMagic, sizeof kXzMagic) == 0) {
    xz_ = std::make_unique<Xz>();
    const lzma_ret result = lzma_stream_decoder(&xz_->stream, UINT64_MAX, LZMA_CONCATENATED);
    check(result == LZMA_OK, "corpus", name_, ": no memory to unpack it");
    buffer_.resize(kPiece);
  }
}

TextSource::~TextSource() {
  if (fd_ > STDIN_FILENO) ::close(fd_);
}

bool TextSource::compressed() const { return xz_ != nullptr; }

size_t TextSource::read_raw(char* into, size_t most) {
  for (;;) {
    const ssize_t n = ::read(fd_, into, most);
    if (n < 0 && errno == EINTR) continue;
    check(n >= 0, "corpus", "cannot read ", name_, ": ", std::strerror(errno));
    bytes_ += n;
    if (n == 0) raw_done_ = true;
    return static_cast<size_t>(n);
  }
}

bool TextSource::fill() {
  if (!xz_) {
    if (raw_begin_ < raw_end_) {  // what the constructor looked at
      buffer_.swap(raw_);
      end_ = raw_end_;
      raw_begin_ = raw_end_ = 0;
    } else {
      buffer_.resize(kPiece);
      end_ = raw_done_ ? 0 : read_raw(buffer_.data(), buffer_.size());
    }
    begin_ = 0;
    return end_ > 0;
  }
  lzma_stream& s = xz_->stream;
  begin_ = end_ = 0;
  s.next_out = reinterpret_cast<uint8_t*>(buffer_.data());
  s.avail_out = buffer_.size();
  while (!xz_->ended && s.avail_out == buffer_.size()) {
    if (raw_begin_ == raw_end_ && !raw_done_) {
      raw_begin_ = 0;
      raw_end_ = read_raw(raw_.data(), raw_.size());
    }
    s.next_in = reinterpret_cast<const uint8_t*>(raw_.data() + raw_begin_);
    s.avail_in = raw_end_ - raw_begin_;
    const lzma_ret result = lzma_code(&s, raw_done_ ? LZMA_FINISH : LZMA_RUN);
    raw_begin_ = raw_end_ - s.avail_in;
    if (result == LZMA_STREAM_END)
      xz_->ended = true;
    else if (result != LZMA_OK)
      fail("corpus", name_, ": the .xz data is ",
           result == LZMA_BUF_ERROR ? "cut short" : "damaged", " after ", bytes_, " bytes",
           hint("test the file with: xz --test FILE"));
  }
  end_ = buffer_.size() - s.avail_out;
  return end_ > 0;
}

bool TextSource::line(std::string& into) {
  into.clear();
  bool any = false;
  for (;;) {
    if (begin_ == end_ && !fill()) break;
    any = true;
    const char* from = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
    into.append(from, newline ? static_cast<size_t>(newline - from) : end_ - begin_);
    if (newline) {
      begin_ = static_cast<size_t>(newline - buffer_.data()) + 1;
      break;
    }
    begin_ = end_;
  }
  if (!into.empty() && into.back() == '\r') into.pop_back();
  return any;
}

}  // namespace data
