// The rules of ptb_tokenizer.h, in order of precedence.
#pragma once

#include <span>

namespace data::metrics {

enum class PtbAction {
  keep,          // the matched text
  word,          // without soft hyphens
  replace,       // PtbRule::text instead
  amp,           // "&amp;" becomes "&"
  left_quote,    // an ASCII quotation mark opens: ` or ``
  right_quote,   // it closes: ' or ''
  currency,      // pound "#", cent "cents", euro "$"
  fraction,      // one character becomes "1/2"
  glued,         // spaces become no-break spaces, parentheses -LRB- and -RRB-
  dashes,        // three or four become "--"
  put_back,      // the last PtbRule::count characters are read again
  period_again,  // the period is part of the token, and read again as one of its own
  acronym,       // the same, but of "I." the period is not part of the token
  skip,          // no token
  line_break,    // no token; the next one belongs to the next line
};

struct PtbRule {
  const char* pattern;   // PCRE2 with Unicode properties
  const char* followed;  // what must come behind, or nullptr; it counts for the longest match
  PtbAction action = PtbAction::keep;
  const char* text = "";  // of replace
  int count = 0;          // of put_back
};

std::span<const PtbRule> ptb_rules();

}  // namespace data::metrics
