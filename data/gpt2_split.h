// How GPT-2 cuts text into words before byte-pair encoding, matched by hand:
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// A word takes the one space before it; of several white-space characters the last stays for the
// next word (the
// `(?!\S)`), and only a space (U+0020) joins it: another one becomes a word by itself.
#pragma once

#include <cstddef>
#include <string_view>

namespace data {

// The end of the word that begins at byte `begin` (< text.size()). `text` must be well-formed
// UTF-8.
size_t gpt2_word_end(std::string_view text, size_t begin);

}  // namespace data
