// Special and added tokens that are found in the text before anything else happens to it, and kept whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace data {

struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool special = false;      // left out by decode(skip_special)
  bool single_word = false;  // only where no word character stands directly before or after it
  bool lstrip = false;       // takes the white space on its left with it (RoBERTa's <mask>)
  bool rstrip = false;
  bool normalized = false;   // Hugging Face looks for it in the normalised text; see AddedTokens
};

// Finds added tokens as the Rust library does: leftmost, and of those that begin there the longest.
class AddedTokens {
 public:
  void add(AddedToken token);

  struct Match {
    size_t begin = 0, end = 0;  // bytes of the text, with the white space that lstrip and rstrip take
    int32_t id = 0;
  };
  // The next match at or after byte `from`; false if there is none.
  bool find(std::string_view text, size_t from, Match& match) const;

  bool is_special(int32_t id) const;
  const std::vector<AddedToken>& tokens() const { return tokens_; }

 private:
  std::vector<AddedToken> tokens_;      // longest first among those with the same first byte
  std::vector<uint16_t> by_first_[256];  // indices into tokens_
  std::string first_bytes_;
};

}  // namespace data
