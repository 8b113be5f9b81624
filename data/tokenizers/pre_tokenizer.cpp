#include "data/tokenizers/pre_tokenizer.h"

#include <algorithm>
#include <functional>

#include "data/bert_normalizer.h"
#include "data/gpt2_split.h"
#include "data/tokenizers/byte_level.h"
#include "data/tokenizers/part_json.h"
#include "data/tokenizers/pattern.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;
using Made = std::unique_ptr<PreTokenizer>;
using Spans = std::vector<Span>;
enum class Behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

Behavior behavior_of(const PartJson& part, const char* otherwise) {
  const std::string name = part.text("behavior", otherwise);
  if (name == "Removed") return Behavior::removed;
  if (name == "Isolated") return Behavior::isolated;
  if (name == "MergedWithPrevious") return Behavior::merged_with_previous;
  if (name == "MergedWithNext") return Behavior::merged_with_next;
  if (name == "Contiguous") return Behavior::contiguous;
  engine::fail(part.where(), "pre_tokenizer ", part.type(), ": the behavior '", name,
               "' is not known");
}

// What becomes of the spans: joins neighbours, or drops matches. The result has `match` where a
// span is dropped.
void join(Spans& spans, Behavior behavior) {
  if (behavior == Behavior::removed) return;
  Spans joined;
  bool before = false;  // the last span was a match
  if (behavior == Behavior::merged_with_next) std::reverse(spans.begin(), spans.end());
  for (const Span& s : spans) {
    const bool extends = !joined.empty() && (behavior == Behavior::contiguous ? s.match == before
                                             : behavior != Behavior::isolated ? s.match && !before
                                                                              : false);
    if (!extends) {
      joined.push_back({s.begin, s.end, false});
    } else if (behavior == Behavior::merged_with_next) {
      joined.back().begin = s.begin;
    } else {
      joined.back().end = s.end;
    }
    before = s.match;
  }
  if (behavior == Behavior::merged_with_next) std::reverse(joined.begin(), joined.end());
  spans = std::move(joined);
}

// Cuts every word at what `find` reports.
class Cut final : public PreTokenizer {
 public:
  using Find = std::function<void(std::string_view, Spans&)>;
  Cut(Find find, Behavior behavior, bool invert = false)
      : find_(std::move(find)), behavior_(behavior), invert_(invert) {}

  void apply(Words& words) const override {
    words.spell_bytes();
    std::vector<Words::Word> cut;
    Spans spans;
    for (const Words::Word& word : words.list) {
      spans.clear();
      find_(word.text, spans);
      if (invert_)
        for (Span& s : spans) s.match = !s.match;
      join(spans, behavior_);
      for (const Span& s : spans)
        if (!s.match && s.end > s.begin)
          cut.push_back(
              {word.text.substr(s.begin, s.end - s.begin), word.begins_text && s.begin == 0});
    }
    words.list = std::move(cut);
  }

 private:
  Find find_;
  Behavior behavior_;
  bool invert_;
};

// Spans of the characters for which `is` holds, each by itself.
template <class Is>
Cut::Find characters(Is is) {
  return [is](std::string_view text, Spans& spans) {
    size_t done = 0;
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      if (!is(next_code_point(text, at))) continue;
      if (begin > done) spans.push_back({done, begin, false});
      spans.push_back({begin, at, true});
      done = at;
    }
    if (done < text.size()) spans.push_back({done, text.size(), false});
  };
}

// \w+|[^\w\s]+
void whitespace_words(std::string_view text, Spans& spans) {
  const auto kind = [](char32_t c) { return is_word_regex(c) ? 1 : is_white_space(c) ? 0 : 2; };
  size_t begin = 0;
  int now = -1;
  for (size_t at = 0; at < text.size();) {
    const size_t here = at;
    const int next = kind(next_code_point(text, at));
    if (next != now) {
      if (here > begin) spans.push_back({begin, here, now != 0});
      begin = here;
      now = next;
    }
  }
  if (text.size() > begin) spans.push_back({begin, text.size(), now != 0});
}

class Bert final : public PreTokenizer {
 public:
  void apply(Words& words) const override {
    words.spell_bytes();
    std::vector<Words::Word> cut;
    std::vector<WordRange> ranges;
    for (const Words::Word& word : words.list) {
      ranges.clear();
      bert_split(word.text, ranges);
      for (const WordRange& r : ranges)
        cut.push_back(
            {word.text.substr(r.begin, r.end - r.begin), word.begins_text && r.begin == 0});
    }
    words.list = std::move(cut);
  }
};

class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex)
      : add_prefix_space_(add_prefix_space), use_regex_(use_regex) {}

  void apply(Words& words) const override {
    words.spell_bytes();
    std::vector<Words::Word> cut;
    for (Words::Word word : words.list) {
      if (add_prefix_space_ && !word.text.starts_with(' '))
        word.text = words.owned.emplace_back(std::string(1, ' ').append(word.text));
      if (!use_regex_) {
        cut.push_back(word);
        continue;
      }
      for (size_t begin = 0; begin < word.text.size();) {
        const size_t end = gpt2_word_end(word.text, begin);
        cut.push_back({word.text.substr(begin, end - begin), word.begins_text && begin == 0});
        begin = end;
      }
    }
    words.list = std::move(cut);
    words.bytes = true;
  }

 private:
  bool add_prefix_space_, use_regex_;
};

class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(const PartJson& part) : mark_(part.character("replacement")) {
    const std::string scheme = part.text("prepend_scheme", "always");
    engine::check(scheme == "always" || scheme == "never" || scheme == "first", part.where(),
                  "pre_tokenizer Metaspace: the prepend_scheme '", scheme, "' is not known");
    engine::check(
        part.flag("add_prefix_space", true) || !part.has("prepend_scheme") || scheme == "never",
        part.where(), "pre_tokenizer Metaspace: add_prefix_space is false and prepend_scheme is ",
        scheme);
    always_ = scheme == "always" && part.flag("add_prefix_space", true);
    first_ = scheme == "first";
    split_ = part.flag("split", true);
  }

  void apply(Words& words) const override {
    words.spell_bytes();
    std::vector<Words::Word> cut;
    for (const Words::Word& word : words.list) {
      std::string marked;
      marked.reserve(word.text.size() + mark_.size());
      for (const char c : word.text) c == ' ' ? marked += mark_ : marked += c;
      if ((always_ || (first_ && word.begins_text)) && !marked.starts_with(mark_))
        marked.insert(0, mark_);
      const std::string_view text = words.owned.emplace_back(std::move(marked));
      if (!split_) {
        cut.push_back({text, word.begins_text});
        continue;
      }
      for (size_t begin = 0; begin < text.size();) {  // each mark begins a word
        const size_t next = text.find(mark_, begin + 1);
        const size_t end = std::min(next, text.size());
        cut.push_back({text.substr(begin, end - begin), word.begins_text && begin == 0});
        begin = end;
      }
    }
    words.list = std::move(cut);
  }

 private:
  std::string mark_;
  bool always_, first_, split_;
};

class SequenceOf final : public PreTokenizer {
 public:
  std::vector<Made> steps;
  void apply(Words& words) const override {
    for (const auto& s : steps) s->apply(words);
  }
};

Made cut(Cut::Find find, Behavior behavior, bool invert = false) {
  return std::make_unique<Cut>(std::move(find), behavior, invert);
}

Made fixed_length(size_t length) {
  return cut(
      [length](std::string_view text, Spans& spans) {
        for (size_t at = 0; at < text.size();) {
          const size_t begin = at;
          for (size_t i = 0; i < length && at < text.size(); ++i) next_code_point(text, at);
          spans.push_back({begin, at, false});
        }
      },
      Behavior::isolated);
}

Made make(const Json& json, const std::string& where, int depth) {
  engine::check(depth < kDeepest, where, "the pre_tokenizer nests sequences ", kDeepest, " deep");
  const PartJson part(json, "pre_tokenizer", where);
  const std::string& type = part.type();
  if (type == "Sequence") {
    auto all = std::make_unique<SequenceOf>();
    for (const Json& one : part.list("pretokenizers"))
      all->steps.push_back(make(one, where, depth + 1));
    return all;
  }
  if (type == "BertPreTokenizer") return std::make_unique<Bert>();
  if (type == "ByteLevel")
    return std::make_unique<ByteLevel>(part.flag("add_prefix_space"), part.flag("use_regex", true));
  if (type == "Metaspace") return std::make_unique<Metaspace>(part);
  if (type == "Whitespace") return cut(whitespace_words, Behavior::removed, true);
  if (type == "WhitespaceSplit") return cut(characters(is_white_space), Behavior::removed);
  if (type == "Punctuation")
    return cut(characters(is_bert_punctuation), behavior_of(part, "Isolated"));
  if (type == "Digits")
    return cut(characters(is_number),
               part.flag("individual_digits") ? Behavior::isolated : Behavior::contiguous);
  if (type == "CharDelimiterSplit")
    return cut([pattern = Pattern::literal(part.character("delimiter"))](
                   std::string_view text, Spans& spans) { pattern.find(text, spans); },
               Behavior::removed);
  if (type == "FixedLength") {
    const int32_t length = part.has("length") ? part.number("length") : 5;
    engine::check(length > 0, where, "pre_tokenizer FixedLength: a length of 0");
    return fixed_length(static_cast<size_t>(length));
  }
  if (type == "Split")
    return cut([pattern = Pattern::from_json(part.at("pattern"), where)](
                   std::string_view text, Spans& spans) { pattern.find(text, spans); },
               behavior_of(part, ""), part.flag("invert"));
  part.unknown(
      "BertPreTokenizer, ByteLevel, Whitespace, WhitespaceSplit, Metaspace, Punctuation, "
      "Digits, Split, CharDelimiterSplit, FixedLength and Sequence");
}

}  // namespace

void Words::spell_bytes() {
  if (!bytes) return;
  for (Word& word : list) word.text = owned.emplace_back(to_byte_characters(word.text));
  bytes = false;
}

std::unique_ptr<PreTokenizer> PreTokenizer::from_json(const Json& json, const std::string& where) {
  return json.is_null() ? nullptr : make(json, where, 0);
}

std::string PartJson::character(const char* key) const {
  const std::string value = text(key);
  size_t at = 0;
  if (!value.empty()) next_code_point(value, at);
  engine::check(!value.empty() && at == value.size(), where_, what_, " ", type_, ": \"", key,
                "\" should be one character, found '", value, "'");
  return value;
}

}  // namespace data
