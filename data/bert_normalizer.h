// The first half of BERT's tokenizer: clean the text and split it into words and punctuation marks.
//
// Follows BertNormalizer and BertPreTokenizer of Hugging Face's Rust library, in its order: clean,
// space CJK characters, strip accents (NFD without category Mn), lower-case; then split at white
// space, each punctuation mark a word of its own. What its older Python twin (BasicTokenizer) does
// otherwise: it composes to NFC first, lower-cases before it strips, lower-cases a word-final sigma
// by context, and drops unassigned code points (Cn), which here make a word unknown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace data {

struct BertNormalizerOptions {
  bool clean_text =
      true;  // drop U+0000, U+FFFD and categories Cc, Cf, Co; white space becomes a space
  bool handle_chinese_chars = true;  // a space on either side of a CJK ideograph
  bool lowercase = true;
  bool strip_accents = true;  // Hugging Face: as `lowercase` unless the files say otherwise
};

// Appends the normalised text. `text` must be well-formed UTF-8.
void bert_normalize(std::string_view text, const BertNormalizerOptions& options, std::string& out);

// Ranges of bytes [begin, end) of the words of a normalised text.
struct WordRange {
  uint32_t begin, end;
};
void bert_split(std::string_view normalized, std::vector<WordRange>& words);

// The blocks of CJK ideographs as BERT lists them. (The Rust library has 2B920 for 2B820: 256
// characters of extension E go without spaces there. Python's, and this, follow BERT's own list.)
bool is_cjk(char32_t c);

}  // namespace data
