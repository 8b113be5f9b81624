// How the scripts of the field cut a line into words. Each is named by its script.
#pragma once

#include <string>
#include <string_view>

#include "data/metrics/corpus.h"

namespace data::metrics {

// Words between white space: ASCII's six characters, as Perl's split and Java's StringTokenizer do
// it on bytes, or Unicode's, as Python's str.split() does.
Words split_ascii(std::string_view line);
Words split_unicode(std::string_view line);

std::string lower_ascii(std::string_view text);
std::string lower_unicode(std::string_view text);  // by character, without context

// mteval-v13a.pl: lower case of ASCII letters, &quot; &amp; &lt; &gt; as characters, punctuation
// apart; a period or comma stays in a number, and a dash is cut off behind a digit only.
Words tokenize_mteval(std::string_view line);
// The same by e2e-metrics' Python (measure_scores.py -p): Unicode's lower case; a line without
// words becomes one empty word.
Words tokenize_pymteval(std::string_view line);
// sacrebleu's "13a": the same without lower case.
Words tokenize_13a(std::string_view line);
// multi-bleu.perl: words as they are; `-lc` makes ASCII letters lower case.
Words tokenize_multi_bleu(std::string_view line);
Words tokenize_multi_bleu_lc(std::string_view line);

// Words as WebNLG's, DART's and LoRA's scripts make them before scoring: every character that is
// neither letter, digit nor _ stands alone (Python's re.split("(\\W)")); joined by single spaces.
std::string apart_words(std::string_view text);

// Copies of text without (leading and) trailing white space of Unicode.
std::string trim(std::string_view text);
// `text` with every `from` replaced by `to`, left to right.
std::string replace_all(std::string text, std::string_view from, std::string_view to);

}  // namespace data::metrics
