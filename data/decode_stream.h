// Text of ids that come one after another: what is written so far never changes.
#pragma once

#include <string>
#include <vector>

#include "data/tokenizer.h"

namespace data {

class DecodeStream {
 public:
  explicit DecodeStream(const Tokenizer& tokenizer, bool skip_special = true)
      : tokenizer_(tokenizer), skip_special_(skip_special) {}

  // The text that this id adds; empty while the bytes of a character are not complete.
  std::string push(int32_t id);
  // At the end: the text of an incomplete character (U+FFFD), or nothing.
  std::string finish();

 private:
  std::string text(size_t from, size_t to) const;

  const Tokenizer& tokenizer_;
  bool skip_special_;
  std::vector<int32_t> ids_;
  // ids_[begin_, written_) have been written, and are decoded again with what follows, since
  // decoders look at the token before. Those before begin_ do not matter any more.
  size_t begin_ = 0, written_ = 0;
};

}  // namespace data
