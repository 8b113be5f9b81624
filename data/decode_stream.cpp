#include "data/decode_stream.h"

namespace data {

// A decoder may treat the first token of a text otherwise (Metaspace drops its space), so the ids
// that are decoded always begin with one that was written before.
std::string DecodeStream::text(size_t from, size_t to) const {
  return tokenizer_.decode(std::span(ids_).subspan(from, to - from), skip_special_);
}

std::string DecodeStream::push(int32_t id) {
  if (skip_special_ && tokenizer_.is_special(id)) return "";
  ids_.push_back(id);
  const std::string before = text(begin_, written_), now = text(begin_, ids_.size());
  // A character whose bytes are not all there decodes to U+FFFD.
  if (now.size() <= before.size() || now.ends_with("\uFFFD")) return "";
  begin_ = written_;
  written_ = ids_.size();
  return now.substr(before.size());
}

std::string DecodeStream::finish() {
  const std::string before = text(begin_, written_), now = text(begin_, ids_.size());
  begin_ = written_ = ids_.size();
  return now.size() > before.size() ? now.substr(before.size()) : "";
}

}  // namespace data
