// The patterns of a tokenizer.json: {"String": "..."} or {"Regex": "..."}.
//
// Hugging Face's library runs regular expressions with Oniguruma, which backtracks. Here they run
// in RE2, in time linear in the text, so a hostile file cannot hang a program. What RE2 does not
// have (look-around, back-references, possessive quantifiers, \b) is refused by name. The one
// look-ahead that tokenizers use, `\s+(?!\S)` at the end of the pattern, is matched by hand.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace data {

// A stretch of a text, as bytes [begin, end), and whether the pattern matched it.
struct Span {
  size_t begin, end;
  bool match;
};

class Pattern {
 public:
  static Pattern literal(std::string text);
  // Oniguruma's syntax as far as RE2 can run it. Throws engine::Error, which opens with `where`.
  static Pattern regex(std::string_view pattern, const std::string& where);
  static Pattern from_json(const nlohmann::json& json, const std::string& where);

  // Appends spans that cover `text` (well-formed UTF-8) from its beginning to its end.
  void find(std::string_view text, std::vector<Span>& spans) const;
  // `text` with every match replaced by `content`.
  std::string replace(std::string_view text, std::string_view content) const;

 private:
  // What follows the alternatives in `regex_`.
  enum class Tail {
    none,
    spaces_but_last,         // |\s+(?!\S)
    spaces_but_last_or_all,  // |\s+(?!\S)|\s+
    gpt2,                    // all of GPT-2's pattern by hand (data/gpt2_split.h)
  };
  size_t match_end(std::string_view text, size_t begin) const;  // begin: no match here

  std::string literal_;
  std::shared_ptr<const re2::RE2> regex_;
  Tail tail_ = Tail::none;
};

// The pattern in RE2's syntax. Throws engine::Error for what RE2 cannot say.
std::string to_re2(std::string_view pattern, const std::string& where);

}  // namespace data
