#include "data/corpus.h"

#include <cstring>

#include "data/corpus_format.h"
#include "engine/base/error.h"
#include "engine/io/json_parse.h"

namespace data {

using engine::check;
using engine::hint;

namespace {

int64_t field(const nlohmann::ordered_json& json, const char* key, int64_t most) {
  const auto it = json.find(key);
  if (it == json.end() || !it->is_number_integer() || *it < 0 || *it > most) return -1;
  return it->get<int64_t>();
}

}  // namespace

Corpus::Corpus(const std::filesystem::path& cache, const Tokenizer& tokenizer)
    : file_(cache), vocabulary_(tokenizer.vocab_size()) {
  const std::string name = cache.string();
  const auto remade = hint("remove it, and it will be made again from the text");
  check(file_.size() >= kCorpusPage, "corpus", name, " is not a corpus cache", remade);
  check(std::memcmp(file_.data(), kCorpusMagic, sizeof kCorpusMagic) == 0, "corpus", name,
        " is not a corpus cache of this version", remade);
  const char* text = reinterpret_cast<const char*>(file_.data()) + kCorpusHeader;
  using OrderedJson = nlohmann::ordered_json;
  description_ = engine::json_detail::parse_if_json<OrderedJson>(
      {text, ::strnlen(text, kCorpusPage - kCorpusHeader)});
  check(description_.is_object() && description_.contains("tokenizer"), "corpus", name,
        " is damaged: it does not say what it is", remade);
  const auto size = static_cast<int64_t>(file_.size());
  documents_ = field(description_, "documents", size / 8);
  const int64_t tokens = field(description_, "tokens", size);
  width_ = static_cast<int>(field(description_, "bytes_per_id", 4));
  check(documents_ > 0 && tokens > 0 && (width_ == 2 || width_ == 4), "corpus", name,
        " is damaged: its counts are impossible", remade);
  const int64_t ids = padded(tokens * width_),
                whole = static_cast<int64_t>(kCorpusPage) + ids + 8 * (documents_ + 1);
  check(size == whole, "corpus", name, " has ", size, " bytes, and should have ", whole, remade);
  check(description_["tokenizer"] == tokenizer.describe(), "corpus", name,
        " was made with another tokenizer: ", description_["tokenizer"].dump(), " and not ",
        tokenizer.describe().dump(), hint("give another --cache, or remove this one"));
  ids_ = file_.data() + kCorpusPage;
  index_.resize(static_cast<size_t>(documents_ + 1));
  std::memcpy(index_.data(), ids_ + ids, index_.size() * sizeof index_[0]);
  bool rising = index_.front() == 0 && index_.back() == static_cast<uint64_t>(tokens);
  for (size_t d = 1; rising && d < index_.size(); ++d) rising = index_[d - 1] < index_[d];
  check(rising, "corpus", name, " is damaged: its index does not fit", remade);
}

Paragraphs Corpus::paragraphs() const {
  const auto it = description_.find("paragraph_ends");  // not in older caches
  return it != description_.end() && *it == true ? Paragraphs::lines : Paragraphs::run_on;
}

void Corpus::append(int64_t begin, int64_t end, std::vector<int32_t>& ids) const {
  if (width_ == 2) {
    const auto* from = reinterpret_cast<const uint16_t*>(ids_);
    ids.insert(ids.end(), from + begin, from + end);
  } else {
    const auto* from = reinterpret_cast<const int32_t*>(ids_);
    ids.insert(ids.end(), from + begin, from + end);
  }
  const auto known = [&](int32_t id) { return id >= 0 && id < vocabulary_; };
  for (size_t i = ids.size() - static_cast<size_t>(end - begin); i < ids.size(); ++i) {
    if (known(ids[i])) continue;
    engine::check_mappings_unchanged();  // else it was damaged before
    engine::fail("corpus", file_.path().string(), " is damaged: it holds the id ", ids[i],
                 ", and the vocabulary has ", vocabulary_, " tokens",
                 hint("remove it, and it will be made again from the text"));
  }
}

}  // namespace data
