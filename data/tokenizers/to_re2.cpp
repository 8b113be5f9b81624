#include <cctype>
#include <map>

#include "data/tokenizers/pattern.h"
#include "engine/base/error.h"

// From Oniguruma's (Ruby's) syntax to RE2's. Both agree on most of it; the differences:
//
//   \s \d \w        Unicode there, ASCII in RE2
//   ^ $             at every line there, at the text's ends in RE2
//   (?m)            a dot that matches line breaks there, line ends in RE2
//   *+ ++ ?+        possessive there, errors in RE2
namespace data {
namespace {

// The members of a character class: White_Space, decimal digits, word characters.
constexpr const char* kSpace = "\\t-\\r \\x{85}\\p{Z}";
constexpr const char* kDigit = "\\p{Nd}";
constexpr const char* kWord = "\\p{L}\\p{M}\\p{N}\\p{Pc}";

class Translator {
 public:
  Translator(std::string_view pattern, const std::string& where) : p_(pattern), where_(where) {}

  std::string run() {
    while (at_ < p_.size()) {
      const char c = p_[at_];
      if (c == '\\') {
        escape(false);
      } else if (c == '[') {
        bracket();
      } else if (c == '(') {
        group();
      } else if (c == '^' || c == '$') {
        out_ += c == '^' ? "(?m:^)" : "(?m:$)";
        ++at_;
      } else if (c == '*' || c == '+' || c == '?') {
        out_ += c;
        ++at_;
        if (at_ < p_.size() && p_[at_] == '+') refuse("a possessive quantifier", at_ - 1, 2);
      } else {
        out_ += c;
        ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what, size_t at, size_t length) const {
    engine::fail(where_, "the regular expression ", std::string(p_.substr(0, 200)), " has ", what,
                 " ('", std::string(p_.substr(at, length)), "' at byte ", at + 1, ")",
                 engine::hint("patterns run in linear time here, with RE2; of look-arounds only "
                              "\\s+(?!\\S) at the end of a pattern is known"));
  }

  void escape(bool in_class) {
    const size_t begin = at_++;
    if (at_ >= p_.size()) refuse("a \\ at its end", begin, 1);
    const char c = p_[at_++];
    const auto put = [&](const char* members) {
      out_ += in_class ? std::string(members) : '[' + std::string(members) + ']';
    };
    const auto put_not = [&](const char* members) {
      if (in_class) refuse("a negated class inside a class", begin, 2);
      out_ += "[^" + std::string(members) + "]";
    };
    switch (c) {
      case 's':
        return put(kSpace);
      case 'S':
        return put_not(kSpace);
      case 'd':
        return put(kDigit);
      case 'D':
        return put_not(kDigit);
      case 'w':
        return put(kWord);
      case 'W':
        return put_not(kWord);
      case 'h':
        return put("0-9A-Fa-f");
      case 'H':
        return put_not("0-9A-Fa-f");
      case 'p':
      case 'P':
        return property(begin, c == 'P');
      case 'x':
        return hexadecimal(begin);
      case 'u': {
        if (p_.size() - at_ < 4) refuse("a short \\u", begin, 2);
        out_ += "\\x{" + std::string(p_.substr(at_, 4)) + "}";
        at_ += 4;
        return;
      }
      case 'e':
        out_ += "\\x{1b}";
        return;
      case 'A':
      case 'z':
        if (in_class) break;
        out_ += {'\\', c};
        return;
      case 'n':
      case 'r':
      case 't':
      case 'f':
      case 'v':
      case 'a':
        out_ += {'\\', c};
        return;
      default:
        break;
    }
    if (std::isalnum(static_cast<unsigned char>(c)))
      refuse("an escape that is not known", begin, 2);
    // A character that stands for itself. RE2 escapes ASCII punctuation only.
    if (static_cast<unsigned char>(c) < 0x80) out_ += '\\';
    out_ += c;
  }

  void hexadecimal(size_t begin) {
    std::string digits;
    if (at_ < p_.size() && p_[at_] == '{') {
      const size_t end = p_.find('}', at_);
      if (end == std::string_view::npos) refuse("a \\x{ without its }", begin, 3);
      digits = p_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    } else {
      while (digits.size() < 2 && at_ < p_.size() &&
             std::isxdigit(static_cast<unsigned char>(p_[at_])))
        digits += p_[at_++];
    }
    out_ += "\\x{" + digits + "}";
  }

  // \p{L}, \p{^L}, \P{L}; long names of general categories. Scripts have the same names in RE2.
  void property(size_t begin, bool negated) {
    static const std::map<std::string, std::string> kShort = {{"Letter", "L"},
                                                              {"Uppercase_Letter", "Lu"},
                                                              {"Lowercase_Letter", "Ll"},
                                                              {"Mark", "M"},
                                                              {"Nonspacing_Mark", "Mn"},
                                                              {"Number", "N"},
                                                              {"Decimal_Number", "Nd"},
                                                              {"Punctuation", "P"},
                                                              {"Symbol", "S"},
                                                              {"Separator", "Z"},
                                                              {"Other", "C"},
                                                              {"Control", "Cc"},
                                                              {"Punct", "P"}};
    if (at_ >= p_.size() || p_[at_] != '{') refuse("a property without braces", begin, 2);
    const size_t end = p_.find('}', at_);
    if (end == std::string_view::npos) refuse("a \\p{ without its }", begin, 3);
    std::string name(p_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    if (name.starts_with('^')) {
      negated = !negated;
      name.erase(0, 1);
    }
    if (const auto known = kShort.find(name); known != kShort.end()) name = known->second;
    out_ += (negated ? "\\P{" : "\\p{") + name + "}";
  }

  void bracket() {
    const size_t begin = at_;
    out_ += p_[at_++];
    if (at_ < p_.size() && p_[at_] == '^') out_ += p_[at_++];
    bool first = true;
    for (;; first = false) {
      if (at_ >= p_.size()) refuse("a [ without its ]", begin, 1);
      const char c = p_[at_];
      if (c == ']' && !first) break;
      if (c == '[') refuse("a class inside a class", at_, 2);
      if (p_.substr(at_, 2) == "&&") refuse("an intersection of classes", at_, 2);
      if (c == '\\') {
        escape(true);
      } else {
        if (c == ']') out_ += '\\';
        out_ += c;
        ++at_;
      }
    }
    out_ += ']';
    ++at_;
  }

  void group() {
    if (p_.substr(at_, 2) != "(?") {
      out_ += p_[at_++];
      return;
    }
    for (const std::string_view look : {"(?=", "(?!", "(?<=", "(?<!"})
      if (p_.substr(at_).starts_with(look)) refuse("a look-around", at_, look.size());
    if (p_.substr(at_).starts_with("(?>")) refuse("an atomic group", at_, 3);
    for (const std::string_view known : {"(?:", "(?i:", "(?i)", "(?-i:", "(?-i)"})
      if (p_.substr(at_).starts_with(known)) {
        out_ += known;
        at_ += known.size();
        return;
      }
    refuse("a group that is not known", at_, 4);
  }

  std::string_view p_;
  const std::string& where_;
  std::string out_;
  size_t at_ = 0;
};

}  // namespace

std::string to_re2(std::string_view pattern, const std::string& where) {
  return Translator(pattern, where).run();
}

}  // namespace data
