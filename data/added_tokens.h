// Special and added tokens that are found in the text before it is cut into words, and kept whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizers/byte_trie.h"

namespace data {

struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool special = false;      // left out by decode(skip_special)
  bool single_word = false;  // only where no word character stands directly before or after it
  bool lstrip = false;       // takes the white space on its left with it (RoBERTa's <mask>)
  bool rstrip = false;       // and on its right
  bool normalized = false;   // looked for in the normalised text, itself normalised
};

// Finds added tokens as the Rust library does: leftmost, and of those that begin there the longest.
class AddedTokens {
 public:
  AddedTokens() = default;
  // Of tokens with equal contents the last counts; empty ones are left out.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }
  const std::vector<AddedToken>& tokens() const { return tokens_; }

  // Appends the ids of the tokens in `text`, and calls plain(stretch) for every non-empty stretch
  // between them, in order.
  template <class Plain>
  void split(std::string_view text, std::vector<int32_t>& ids, Plain plain) const {
    size_t done = 0;
    Match match;
    for (size_t from = 0; find(text, from, done, match); from = match.found_end) {
      if (match.begin > done) plain(text.substr(done, match.begin - done));
      ids.push_back(match.id);
      done = match.end;
    }
    if (done < text.size()) plain(text.substr(done));
  }

 private:
  struct Match {
    // Bytes of the text, with the white space that lstrip and rstrip take.
    size_t begin = 0, end = 0;
    size_t found_end = 0;  // end of the token itself
    int32_t id = 0;
  };
  // The next match at or after byte `from`; lstrip reaches back to `done` at most.
  bool find(std::string_view text, size_t from, size_t done, Match& match) const;

  std::vector<AddedToken> tokens_;
  ByteTrie trie_;          // contents to places in tokens_
  bool begins_[256] = {};  // bytes that begin a token
};

}  // namespace data
