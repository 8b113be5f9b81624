// Text as code points: the little of Unicode that tokenizers need, on the tables of utf8proc
// (Unicode 15.0).
//
// What is followed is the Rust library behind Hugging Face's tokenizers (every tokenizer.json is
// run by it), not Python's str: lower-casing is by character without context, so a final sigma
// stays U+03C3 (Python's lower() makes it U+03C2) and U+0130 becomes "i" + U+0307. Where the
// Unicode versions differ (Rust's category tables are those of Unicode 8), newer characters have
// here the category that the newer standard gives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace data {

// The code point that begins at byte `at` (which must be < text.size()); `at` moves behind it.
// Ill-formed bytes give U+FFFD once for each maximal ill-formed part, as Python's
// bytes.decode(errors="replace") does.
char32_t next_code_point(std::string_view text, size_t& at);

void append_utf8(char32_t c, std::string& out);

bool is_utf8(std::string_view text);         // well-formed throughout
std::string to_utf8(std::string_view text);  // a copy with U+FFFD for what is ill-formed
// Bytes of text before the first ill-formed one; text.size() if there is none.
size_t utf8_prefix(std::string_view text);

bool is_white_space(char32_t c);  // property White_Space: regex \s and Rust's char::is_whitespace
bool is_punctuation(char32_t c);  // categories P*
bool is_other(char32_t c);        // categories Cc, Cf, Co and Cs; not Cn, see bert_normalizer.h
bool is_letter(char32_t c);       // categories L*: regex \p{L}
bool is_number(char32_t c);       // categories N*: regex \p{N}
bool is_nonspacing_mark(char32_t c);  // category Mn
bool is_mark(char32_t c);             // categories M*
// BERT's punctuation: P* and the ASCII symbols ("$", "`").
bool is_bert_punctuation(char32_t c);
bool is_word(
    char32_t c);  // letters, marks, decimal and letter numbers, connector punctuation: regex \w
// The \w of Rust's regex library: Alphabetic, marks, decimal digits, connector punctuation,
// joiners.
bool is_word_regex(char32_t c);
int combining_class(char32_t c);  // 0 for a starter

constexpr int kMaxMapped =
    18;  // the longest canonical decomposition has 4 code points; room is cheap

// Canonical decomposition of one code point; returns how many code points it wrote. Order them with
// combining_class.
int decompose(char32_t c, char32_t out[kMaxMapped]);
// Lower case of one code point, without context; returns how many code points it wrote (1, but 2
// for U+0130).
int to_lower(char32_t c, char32_t out[kMaxMapped]);

}  // namespace data
