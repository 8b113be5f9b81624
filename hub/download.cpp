#include "hub/download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "engine/base/number.h"
#include "hub/digest.h"
#include "hub/lock.h"

namespace hub {

namespace fs = std::filesystem;
using engine::check;
using engine::concat;
using engine::hint;

namespace {

// Progress that makes a new failure the first again: a line that breaks every few minutes still
// ends, and a server that sends a byte at a time does not keep us for ever.
constexpr int64_t kProgress = int64_t{1} << 20;
constexpr int64_t kWorthAThread = int64_t{4} << 20;

// blobs/<etag>.incomplete, open for writing at its end.
class Incomplete {
 public:
  explicit Incomplete(fs::path path) : path_(std::move(path)) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    check(fd_ >= 0, path_.string(), "cannot be written: ", std::strerror(errno));
    struct stat is {};
    const bool plain = ::fstat(fd_, &is) == 0 && S_ISREG(is.st_mode);
    if (!plain) ::close(fd_);
    check(plain, path_.string(), "is not a plain file");
    size_ = is.st_size;
  }
  ~Incomplete() { ::close(fd_); }
  Incomplete(const Incomplete&) = delete;
  Incomplete& operator=(const Incomplete&) = delete;

  int64_t size() const { return size_; }
  const fs::path& path() const { return path_; }
  // False with errno set if the disk refuses.
  bool add(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), size_);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return false;
      size_ += put;
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return true;
  }
  void clear() {
    check(::ftruncate(fd_, 0) == 0, path_.string(), "cannot be emptied: ", std::strerror(errno));
    size_ = 0;
  }

 private:
  fs::path path_;
  int fd_ = -1;
  int64_t size_ = 0;
};

// Where the bytes of a 206 begin: "bytes 100-199/200"; nullopt if it does not say.
std::optional<int64_t> range_begin(const Answer& answer) {
  const std::string range = answer.header("content-range");
  if (!range.starts_with("bytes ")) return std::nullopt;
  return engine::to_number<int64_t>(
      std::string_view(range).substr(6, range.find('-') - std::min<size_t>(range.find('-'), 6)));
}

class Download {
 public:
  Download(Remote& remote, const Place& place, const FileInfo& info, const fs::path& part,
           const Grown& grown)
      : remote_(remote),
        place_(place),
        info_(info),
        file_(part),
        grown_(grown),
        what_(place.what),
        kind_(digest_kind(info.etag)) {}

  void run() {
    if (file_.size() > info_.size) file_.clear();
    before_ = file_.size();
    for (bool again = false;; again = true) {
      begin_digest();
      fill();
      const std::string digest = finish_digest();
      if (kind_ == DigestKind::none || digest == info_.etag) return;
      // What an earlier process left may be damaged; what came in one go has no excuse.
      const bool resumed = before_ > 0;
      file_.clear();
      check(
          resumed && !again, what_, "is damaged on the way: its digest is ", digest,
          ", and the hub says ", info_.etag,
          hint("nothing was kept. Does a proxy change what passes? Try again, or another network"));
      remote_.watcher().note(what_ + ": what an earlier download left is damaged; starting anew");
      before_ = 0;
    }
  }

  const fs::path& path() const { return file_.path(); }

 private:
  void begin_digest() {
    digest_.reset();
    if (kind_ == DigestKind::none || info_.size < kWorthAThread) return;
    digest_ = std::make_unique<GrowingDigest>(file_.path(), kind_, info_.size);
    digest_->written(file_.size());
  }
  std::string finish_digest() {
    if (kind_ == DigestKind::none) return "";
    return digest_ ? digest_->finish() : digest_of(file_.path(), kind_, info_.size);
  }
  void start_over() {
    file_.clear();
    before_ = 0;
    begin_digest();
  }

  // Takes bytes of an answer; false, with what is wrong in refused_, ends the transfer.
  bool take(const Answer& answer, std::string_view bytes, int64_t& expected) {
    if (expected < 0) {  // the first bytes of this answer
      if (answer.status == 200 && file_.size() > 0) start_over();
      if (answer.status == 206 && range_begin(answer) != file_.size()) {
        refused_ = "sends another part of it than was asked for";
        return false;
      }
      expected = file_.size();
    }
    if (file_.size() + static_cast<int64_t>(bytes.size()) > info_.size) {
      refused_ = concat("sends more than the ", info_.size, " bytes that it announced");
      return false;
    }
    if (!file_.add(bytes)) {
      disk_ = std::strerror(errno);
      return false;
    }
    if (digest_) digest_->written(file_.size());
    grown_(file_.size(), before_);
    return true;
  }

  // Until the file has its size.
  void fill() {
    int tried = 0;
    int64_t best = file_.size();
    while (file_.size() < info_.size) {
      remote_.check_stop();
      int64_t expected = -1;
      refused_.clear();
      Request request{
          .url = info_.url, .from = file_.size(), .seconds = remote_.settings().download_seconds};
      request.sink = [&](const Answer& answer, std::string_view bytes) {
        return take(answer, bytes, expected);
      };
      Answer answer = remote_.ask(request);
      check(disk_.empty(), file_.path().string(), "cannot be written: ", disk_,
            hint("free some space, or put the cache elsewhere with ", place_.elsewhere));
      if (!refused_.empty()) {
        file_.clear();
        engine::fail(what_, "the server ", refused_, hint("nothing was kept; try again later"));
      }
      if (file_.size() >= info_.size) return;
      const bool served = answer.status == 200 || answer.status == 206;
      if (served && answer.problem.empty())
        answer.problem = concat("after ", file_.size(), " of ", info_.size, " bytes");
      if (answer.status == 416 && file_.size() > 0) {  // it knows no such part
        start_over();
      } else if (!Remote::passing(answer)) {
        place_.explain(answer);
      }
      if (file_.size() >= best + kProgress) {
        tried = 0;
        best = file_.size();
      }
      if (++tried >= remote_.settings().tries || !remote_.pause(tried, answer))
        place_.explain(answer);
    }
  }

  Remote& remote_;
  const Place& place_;
  const FileInfo& info_;
  Incomplete file_;
  const Grown& grown_;
  std::string what_, refused_, disk_;
  DigestKind kind_;
  int64_t before_ = 0;
  std::unique_ptr<GrowingDigest> digest_;
};

}  // namespace

void download_file(Remote& remote, const Place& place, const FileInfo& info, const Grown& grown) {
  const fs::path& file = place.file;
  bool said = false;
  const Lock lock(place.lock, [&] {
    remote.check_stop();
    if (!said)
      remote.watcher().note("another process downloads " + place.what + ": waiting for it");
    said = true;
  });
  std::error_code error;
  if (fs::is_regular_file(file, error)) return;
  check(!fs::is_directory(file, error), file.string(), "is a folder, and should be a file");
  // Without locks others may write as well, so the file has a name of its own.
  const fs::path part =
      concat(file.string(), lock.held() ? "" : concat(".", ::getpid()), ".incomplete");
  {
    const auto there = fs::file_size(part, error);
    const int64_t missing = info.size - (error ? 0 : static_cast<int64_t>(there));
    const auto space = fs::space(file.parent_path(), error);
    check(error || static_cast<int64_t>(space.available) >= missing, file.parent_path().string(),
          "has no room for ", place.what, ": ", missing, " bytes are needed, and ", space.available,
          " are free", hint("free some, or put the cache elsewhere with ", place.elsewhere));
  }
  Download download(remote, place, info, part, grown);
  download.run();
  fs::rename(part, file, error);
  check(!error, file.string(), "cannot be written: ", error.message());
}

void download_blob(Remote& remote, const Cache& cache, const Wanted& wanted, const FileInfo& info,
                   const Grown& grown) {
  const auto explain = [&](const Answer& answer) {
    remote.explain(answer, wanted.name, wanted.file);
  };
  download_file(remote,
                {.what = wanted.name.repo + "/" + wanted.file,
                 .file = cache.blob(info.etag),
                 .lock = cache.lock(info.etag),
                 .elsewhere = "HF_HUB_CACHE",
                 .explain = explain},
                info, grown);
}

}  // namespace hub
