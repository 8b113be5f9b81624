#include "data/tokenizers/pattern.h"

#include <re2/re2.h>

#include "data/gpt2_split.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Patterns with possessive quantifiers that give nothing back in any case, so that greedy ones
// match the same: cl100k_base as Hugging Face's converters write it.
std::string_view without_possessive(std::string_view pattern) {
  if (pattern ==
      R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)")
    return R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
  return pattern;
}

bool cut_tail(std::string_view& pattern, std::string_view tail) {
  if (!pattern.ends_with(tail)) return false;
  pattern.remove_suffix(tail.size());
  return true;
}

bool space_at(std::string_view text, size_t& at) {
  return is_white_space(next_code_point(text, at));
}

// \s+(?!\S): all white space from `begin` on, but for its last character if something follows.
// `begin` if that leaves nothing.
size_t spaces_but_last(std::string_view text, size_t begin) {
  size_t last = begin;
  for (size_t at = begin; at < text.size();) {
    size_t next = at;
    if (!space_at(text, next)) return last;
    last = at;
    at = next;
  }
  return text.size();
}

}  // namespace

Pattern Pattern::literal(std::string text) {
  Pattern pattern;
  pattern.literal_ = std::move(text);
  return pattern;
}

Pattern Pattern::regex(std::string_view text, const std::string& where) {
  Pattern pattern;
  if (text == kGpt2) {
    pattern.tail_ = Tail::gpt2;
    return pattern;
  }
  text = without_possessive(text);
  if (cut_tail(text, R"(|\s+(?!\S)|\s+)")) {
    pattern.tail_ = Tail::spaces_but_last_or_all;
  } else if (cut_tail(text, R"(|\s+(?!\S))")) {
    pattern.tail_ = Tail::spaces_but_last;
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(16 << 20);
  const std::string translated = to_re2(text, where);
  pattern.regex_ = std::make_shared<const re2::RE2>(translated, options);
  engine::check(pattern.regex_->ok(), where, "the regular expression ",
                std::string(text.substr(0, 200)), " cannot be used: ", pattern.regex_->error());
  engine::check(!re2::RE2::FullMatch("", *pattern.regex_), where, "the regular expression ",
                std::string(text.substr(0, 200)), " matches the empty text");
  return pattern;
}

Pattern Pattern::from_json(const nlohmann::json& json, const std::string& where) {
  if (json.is_object() && json.size() == 1) {
    if (const auto text = json.find("String"); text != json.end() && text->is_string())
      return literal(text->get<std::string>());
    if (const auto text = json.find("Regex"); text != json.end() && text->is_string())
      return regex(text->get_ref<const std::string&>(), where);
  }
  engine::fail(where, "a pattern is neither {\"String\": ...} nor {\"Regex\": ...}");
}

size_t Pattern::match_end(std::string_view text, size_t begin) const {
  if (tail_ == Tail::gpt2) return gpt2_word_end(text, begin);
  const re2::StringPiece whole(text.data(), text.size());
  re2::StringPiece found;
  if (regex_->Match(whole, begin, text.size(), re2::RE2::ANCHOR_START, &found, 1))
    return begin + found.size();
  const size_t end = spaces_but_last(text, begin);
  if (end > begin || tail_ == Tail::spaces_but_last) return end;
  size_t one = begin;
  return space_at(text, one) ? one : begin;
}

void Pattern::find(std::string_view text, std::vector<Span>& spans) const {
  size_t done = 0;
  const auto add = [&](size_t begin, size_t end) {
    if (begin > done) spans.push_back({done, begin, false});
    spans.push_back({begin, end, true});
    done = end;
  };
  if (tail_ != Tail::none) {  // every alternative is tried where the last match ended
    for (size_t at = 0; at < text.size();) {
      const size_t end = match_end(text, at);
      if (end > at) {
        add(at, end);
        at = end;
      } else {
        next_code_point(text, at);
      }
    }
  } else if (regex_) {
    const re2::StringPiece whole(text.data(), text.size());
    re2::StringPiece found;
    for (size_t at = 0; at < text.size();) {
      if (!regex_->Match(whole, at, text.size(), re2::RE2::UNANCHORED, &found, 1)) break;
      const auto begin = static_cast<size_t>(found.data() - text.data());
      at = begin + found.size();
      if (found.empty()) {
        if (at < text.size())
          next_code_point(text, at);
        else
          break;
      } else {
        add(begin, at);
      }
    }
  } else if (!literal_.empty()) {
    for (size_t at = text.find(literal_); at != std::string_view::npos;
         at = text.find(literal_, at + literal_.size()))
      add(at, at + literal_.size());
  }
  if (done < text.size()) spans.push_back({done, text.size(), false});
}

std::string Pattern::replace(std::string_view text, std::string_view content) const {
  std::vector<Span> spans;
  find(text, spans);
  std::string out;
  out.reserve(text.size());
  for (const Span& s : spans) out += s.match ? content : text.substr(s.begin, s.end - s.begin);
  return out;
}

}  // namespace data
