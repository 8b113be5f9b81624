#include "data/metrics/ptb_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "data/metrics/ptb_rules.h"
#include "data/metrics/tokenize.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data::metrics {
namespace {

// A pattern anchored at a place of the text; the longest match, not the first alternative's.
class Pattern {
 public:
  explicit Pattern(const std::string& text) {
    int error = 0;
    PCRE2_SIZE at = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.c_str()), PCRE2_ZERO_TERMINATED,
                              PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, &error,
                              &at, nullptr));
    engine::check(code_ != nullptr, "ptb_tokenizer", "pattern ", text, " fails at ", at);
    match_.reset(pcre2_match_data_create(64, nullptr));
    const uint8_t* bits = nullptr;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_FIRSTBITMAP, &bits);
    uint32_t unit = 0, type = 0;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_FIRSTCODETYPE, &type);
    pcre2_pattern_info(code_.get(), PCRE2_INFO_FIRSTCODEUNIT, &unit);
    for (int byte = 0; byte < 256; ++byte)
      first_[byte] = type == 1 ? static_cast<uint32_t>(byte) == unit
                               : !bits || (bits[byte / 8] >> (byte % 8) & 1);
  }
  bool may_begin(char c) const { return first_[static_cast<unsigned char>(c)]; }
  size_t longest(std::string_view text, size_t at) const {
    int workspace[2048];
    const int found =
        pcre2_dfa_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                        PCRE2_NO_UTF_CHECK, match_.get(), nullptr, workspace, 2048);
    if (found < 0) return 0;
    const PCRE2_SIZE* where = pcre2_get_ovector_pointer(match_.get());
    return where[1] - where[0];
  }

 private:
  struct Free {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
  };
  std::unique_ptr<pcre2_code, Free> code_;
  std::unique_ptr<pcre2_match_data, Free> match_;
  std::array<bool, 256> first_;
};

std::string group(const char* pattern) { return std::string("(?:") + pattern + ")"; }

struct Compiled {
  const PtbRule* rule;
  Pattern whole;                  // with what must follow
  std::unique_ptr<Pattern> head;  // without it, if anything must
};

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string quotes(std::string text, bool left) {
  const auto all = [&](std::initializer_list<const char*> from, const char* to) {
    for (const char* f : from) text = replace_all(std::move(text), f, to);
  };
  all({"&apos;", "'"}, left ? "`" : "'");
  all({"&quot;", "\""}, left ? "``" : "''");
  all({"\u2018", "\u201B", "\u2039"}, "`");
  all({"\u2019", "\u203A"}, "'");
  all({"\u201C", "\u00AB"}, "``");
  all({"\u201D", "\u00BB"}, "''");
  return text;
}

std::string currency(std::string text) {
  text = replace_all(std::move(text), "\u00A2", "cents");
  text = replace_all(std::move(text), "\u00A3", "#");
  for (const char* from : {"\u00A4", "\u20A0", "\u20AC"})
    text = replace_all(std::move(text), from, "$");
  return text;
}

std::string fraction(std::string text) {
  const std::pair<const char*, const char*> table[] = {{"\u00BC", "1/4"},
                                                       {"\u00BD", "1/2"},
                                                       {"\u00BE", "3/4"},
                                                       {"\u2153", "1/3"},
                                                       {"\u2154", "2/3"}};
  for (const auto& [from, to] : table) text = replace_all(std::move(text), from, to);
  return text;
}

std::string glued(std::string text) {
  text = replace_all(std::move(text), " ", "\u00A0");
  text = replace_all(std::move(text), "(", "-LRB-");
  return replace_all(std::move(text), ")", "-RRB-");
}

std::string without_soft_hyphens(std::string text) {
  text = replace_all(std::move(text), "\u00AD", "");
  return text.empty() ? "-" : text;
}

class Lexer {
 public:
  Lexer() {
    for (const PtbRule& rule : ptb_rules()) {
      const std::string head = group(rule.pattern);
      if (rule.followed)
        rules_.push_back({&rule, Pattern(head + group(rule.followed)),
                          std::make_unique<Pattern>(head + "(?=" + rule.followed + ")")});
      else
        rules_.push_back({&rule, Pattern(head), nullptr});
    }
  }

  // Reads one token at `at` and moves behind it. Text that no rule knows is dropped.
  const PtbRule* next(std::string_view text, size_t& at, std::string& token) const {
    if (plain_word(text, at, token)) return word_;
    const Compiled* best = nullptr;
    size_t longest = 0;
    for (const Compiled& c : rules_) {
      if (!c.whole.may_begin(text[at])) continue;
      const size_t length = c.whole.longest(text, at);
      if (length > longest) longest = length, best = &c;
    }
    if (!best) {
      next_code_point(text, at);
      token.clear();
      return nullptr;
    }
    size_t length = best->head ? best->head->longest(text, at) : longest;
    token = std::string(text.substr(at, length));
    const PtbRule& rule = *best->rule;
    if (rule.action == PtbAction::put_back) {
      length -= static_cast<size_t>(rule.count);
      token.resize(length);
    } else if (rule.action == PtbAction::period_again || rule.action == PtbAction::acronym) {
      --length;
      if (rule.action == PtbAction::acronym && token.size() == 2) token.resize(1);
    }
    at += length;
    return &rule;
  }

 private:
  // ASCII letters up to a space are a word in any case, but for the few that are cut in two.
  bool plain_word(std::string_view text, size_t& at, std::string& token) const {
    size_t end = at;
    while (end < text.size() && letter(text[end])) ++end;
    if (end == at || end == text.size() || text[end] != ' ') return false;
    token = std::string(text.substr(at, end - at));
    const std::string lower = lower_ascii(token);
    for (const char* cut : {"cannot", "gonna", "gotta", "lemme", "gimme", "wanna"})
      if (lower == cut) return false;
    at = end;
    return true;
  }

  static constexpr PtbRule kWord{"", nullptr};
  const PtbRule* word_ = &kWord;
  std::vector<Compiled> rules_;
};

std::string normalised(const PtbRule& rule, std::string token) {
  switch (rule.action) {
    case PtbAction::word:
      return without_soft_hyphens(std::move(token));
    case PtbAction::replace:
      return rule.text;
    case PtbAction::amp:
      return replace_all(std::move(token), "&amp;", "&");
    case PtbAction::left_quote:
    case PtbAction::right_quote:
      return quotes(std::move(token), rule.action == PtbAction::left_quote);
    case PtbAction::currency:
      return currency(std::move(token));
    case PtbAction::fraction:
      return fraction(std::move(token));
    case PtbAction::glued:
      return glued(std::move(token));
    case PtbAction::dashes:
      return token.size() == 3 || token.size() == 4 ? "--" : token;
    default:
      return token;
  }
}

}  // namespace

std::vector<Words> ptb_tokenize(const std::vector<std::string>& lines) {
  const Lexer lexer;
  std::string text;
  for (const std::string& line : lines) {
    text += replace_all(to_utf8(line), "\n", " ");  // a line has no line break
    text += '\n';
  }
  std::vector<Words> tokens(lines.size());
  // A vertical tab or a carriage return breaks a line for the lexer but is none of ours, so lines
  // are told apart by where they end.
  size_t line = 0, end = lines.empty() ? 0 : text.find('\n');
  std::string token;
  for (size_t at = 0; at < text.size();) {
    while (line + 1 < tokens.size() && at > end) {
      end = text.find('\n', end + 1);
      ++line;
    }
    const PtbRule* rule = lexer.next(text, at, token);
    if (!rule || rule->action == PtbAction::skip || rule->action == PtbAction::line_break) continue;
    tokens[line].push_back(lower_unicode(normalised(*rule, std::move(token))));
  }
  return tokens;
}

Sentences coco_tokenize(const Texts& texts) {
  static const char* const kRemoved[] = {"''", "'", "``", "`",  ".",   "?", "!",
                                         ",",  ":", "-",  "--", "...", ";"};
  const auto clean = [](Words words) {
    std::erase_if(words, [](const std::string& word) {
      return std::find(std::begin(kRemoved), std::end(kRemoved), word) != std::end(kRemoved);
    });
    return words;
  };
  Sentences sentences;
  for (Words& words : ptb_tokenize(texts.hypotheses))
    sentences.hypotheses.push_back(clean(std::move(words)));
  std::vector<std::string> references;
  for (const auto& own : texts.references)
    references.insert(references.end(), own.begin(), own.end());
  std::vector<Words> tokens = ptb_tokenize(references);
  size_t next = 0;
  for (const auto& own : texts.references) {
    auto& mine = sentences.references.emplace_back();
    for (size_t k = 0; k < own.size(); ++k) mine.push_back(clean(std::move(tokens[next++])));
  }
  return sentences;
}

}  // namespace data::metrics
