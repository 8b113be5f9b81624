#include "data/corpus.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "data/corpus_format.h"
#include "engine/base/error.h"

namespace data {

using engine::check;
using engine::hint;

Corpus::Corpus(const std::filesystem::path& cache, const Tokenizer& tokenizer) {
  const std::string name = cache.string();
  const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  check(fd >= 0, "corpus", "cannot read ", name, ": ", std::strerror(errno));
  struct stat status {};
  const bool known = ::fstat(fd, &status) == 0;
  size_ = known ? static_cast<size_t>(status.st_size) : 0;
  void* map =
      size_ >= kCorpusPage ? ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  ::close(fd);
  const auto remade = hint("remove it, and it will be made again from the text");
  check(map != MAP_FAILED, "corpus", name, " is not a corpus cache", remade);
  data_ = static_cast<const std::byte*>(map);
  try {
    check(std::memcmp(data_, kCorpusMagic, sizeof kCorpusMagic) == 0, "corpus", name,
          " is not a corpus cache of this version", remade);
    const char* text = reinterpret_cast<const char*>(data_) + kCorpusHeader;
    description_ = nlohmann::ordered_json::parse(
        text, text + ::strnlen(text, kCorpusPage - kCorpusHeader), nullptr, false);
    check(description_.is_object() && description_.contains("tokenizer"), "corpus", name,
          " is damaged", remade);
    documents_ = description_.value("documents", int64_t{0});
    const int64_t tokens = description_.value("tokens", int64_t{0});
    width_ = description_.value("bytes_per_id", 2);
    const int64_t ids = padded(tokens * width_),
                  whole = static_cast<int64_t>(kCorpusPage) + ids + 8 * (documents_ + 1);
    check(static_cast<int64_t>(size_) == whole, "corpus", name, " has ", size_,
          " bytes, and should have ", whole, remade);
    check(description_["tokenizer"] == tokenizer.describe(), "corpus", name,
          " was made with another tokenizer: ", description_["tokenizer"].dump(), " and not ",
          tokenizer.describe().dump(), hint("give another --cache, or remove this one"));
    ids_ = data_ + kCorpusPage;
    index_ = reinterpret_cast<const uint64_t*>(ids_ + ids);
    check(index_[0] == 0 && static_cast<int64_t>(index_[documents_]) == tokens, "corpus", name,
          " is damaged: its index does not fit", remade);
  } catch (...) {
    ::munmap(map, size_);
    throw;
  }
}

Corpus::~Corpus() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

void Corpus::append(int64_t begin, int64_t end, std::vector<int32_t>& ids) const {
  if (width_ == 2) {
    const auto* from = reinterpret_cast<const uint16_t*>(ids_);
    ids.insert(ids.end(), from + begin, from + end);
  } else {
    const auto* from = reinterpret_cast<const int32_t*>(ids_);
    ids.insert(ids.end(), from + begin, from + end);
  }
}

}  // namespace data
