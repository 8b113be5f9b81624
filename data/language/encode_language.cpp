#include "data/language/encode_language.h"

#include <algorithm>

#include "data/chat/format.h"
#include "data/in_order.h"
#include "engine/base/error.h"

namespace data {
namespace {

using engine::check;
using engine::concat;

// An example as ids, of which some are learned.
struct LearnedText {
  std::vector<int32_t> ids;
  std::vector<uint8_t> learned;  // (ids)
  int64_t bytes = 0;             // of the text that is learned
  bool cut = false;

  void add(const std::vector<int32_t>& more, bool learn) {
    ids.insert(ids.end(), more.begin(), more.end());
    learned.resize(ids.size(), learn);
  }
};

class LanguageEncoder {
 public:
  // `format` is null where no example is a chat.
  LanguageEncoder(const Tokenizer& tokenizer, const ChatFormat* format, int max_length,
                  const TextRules& rules, bool training)
      : tokenizer_(tokenizer),
        format_(format),
        most_(static_cast<size_t>(max_length)),
        rules_(rules),
        training_(training) {}

  LearnedText operator()(const Example& example) const {
    LearnedText text = !example.turns.empty() ? chat(example)
                       : !example.b.empty()   ? completion(example)
                                              : plain(example);
    if (!example.document) cut(text);
    return text;
  }

 private:
  LearnedText plain(const Example& example) const {
    LearnedText out;
    out.add(tokenizer_.encode(example.a).ids, true);
    if (training_ && rules_.end >= 0 && (out.ids.empty() || out.ids.back() != rules_.end))
      out.add({rules_.end}, true);
    out.bytes = static_cast<int64_t>(example.a.size());
    return out;
  }
  LearnedText completion(const Example& example) const {
    LearnedText out;
    out.add(encode_prompt(tokenizer_, example.a), rules_.all);
    check(!out.ids.empty(), "prompt", concat("line ", example.line), ": it has no token");
    if (rules_.separator) out.add({rules_.end}, rules_.all);
    std::vector<int32_t> ids;
    tokenizer_.tokenize(example.b, ids);
    if (rules_.end >= 0) ids.push_back(rules_.end);
    out.add(ids, true);
    out.bytes = static_cast<int64_t>(example.b.size() + (rules_.all ? example.a.size() : 0));
    return out;
  }
  LearnedText chat(const Example& example) const {
    const std::vector<ChatPiece> pieces =
        format_->write(example.turns, chat_marks(tokenizer_), false, concat("line ", example.line));
    ChatIds chat = encode_chat(tokenizer_, pieces);
    LearnedText out;
    out.ids = std::move(chat.ids);
    out.learned = std::move(chat.answer);
    if (rules_.all) out.learned.assign(out.ids.size(), 1);
    for (const ChatPiece& piece : pieces)
      if (piece.answer || rules_.all) out.bytes += static_cast<int64_t>(piece.text.size());
    return out;
  }

  void cut(LearnedText& text) const {
    if (most_ == 0 || text.ids.size() <= most_) return;
    text.cut = true;
    if (rules_.cut == "left") {
      // A begin token stays where it is.
      const size_t keep = tokenizer_.is_special(text.ids.front()) ? 1 : 0;
      const auto gone = static_cast<std::ptrdiff_t>(text.ids.size() - most_);
      const auto from = static_cast<std::ptrdiff_t>(keep);
      text.ids.erase(text.ids.begin() + from, text.ids.begin() + from + gone);
      text.learned.erase(text.learned.begin() + from, text.learned.begin() + from + gone);
    } else {
      text.ids.resize(most_);
      text.learned.resize(most_);
    }
    std::vector<int32_t> left;
    for (size_t i = 0; i < text.ids.size(); ++i)
      if (text.learned[i]) left.push_back(text.ids[i]);
    text.bytes = static_cast<int64_t>(tokenizer_.decode(left).size());
  }

  const Tokenizer& tokenizer_;
  const ChatFormat* format_;
  size_t most_;
  const TextRules& rules_;
  bool training_;
};

// A row of a split while it is filled.
struct RowOfTexts {
  std::vector<int32_t> ids, targets, lengths;
  int64_t bytes = 0;
  bool cut = false;

  // Tokens [begin, end) of a text, as one sequence.
  void add(const LearnedText& text, size_t begin, size_t end) {
    ids.insert(ids.end(), text.ids.begin() + static_cast<std::ptrdiff_t>(begin),
               text.ids.begin() + static_cast<std::ptrdiff_t>(end));
    for (size_t i = begin; i < end; ++i)
      targets.push_back(i + 1 < end && text.learned[i + 1] ? text.ids[i + 1] : -1);
    lengths.push_back(static_cast<int32_t>(end - begin));
  }
  int64_t terms() const {
    return std::count_if(targets.begin(), targets.end(), [](int32_t t) { return t >= 0; });
  }
};

class RowFiller {
 public:
  RowFiller(EncodedSplit& split, int max_length, bool training)
      : split_(split), most_(static_cast<size_t>(max_length)), training_(training) {}

  void add(const Example& example, const LearnedText& text) {
    if (example.document && training_) {
      pack(text);
    } else {
      finish();
      // A document that is too long goes on in a next row.
      const size_t size = text.ids.size(), most = most_ ? most_ : size;
      for (size_t at = 0; at == 0 || at < size; at += most) {
        row_.add(text, at, std::min(size, at + most));
        if (at == 0) row_.bytes = text.bytes;
        row_.cut = text.cut;
        id_ = example.id;
        finish();
      }
    }
  }
  void finish() {
    if (row_.ids.empty()) return;
    if (training_ && row_.terms() == 0)
      split_.leave_out();
    else
      split_.add_text(row_.ids, row_.targets, row_.lengths, row_.bytes, row_.cut, id_);
    row_ = {};
  }

 private:
  void pack(const LearnedText& text) {
    const size_t size = text.ids.size(), most = most_ ? most_ : size;
    for (size_t at = 0; at < size;) {
      // The last place of a row is of no use to a new sequence: nothing would be predicted there.
      if (row_.ids.size() + 1 >= most) finish();
      const size_t end = std::min(size, at + most - row_.ids.size());
      if (row_.ids.empty()) id_ = split_.size();
      if (at == 0) row_.bytes += text.bytes;
      row_.add(text, at, end);
      at = end;
    }
  }

  EncodedSplit& split_;
  size_t most_;
  bool training_;
  RowOfTexts row_;
  int64_t id_ = 0;
};

}  // namespace

std::vector<int32_t> encode_prompt(const Tokenizer& tokenizer, std::string_view prompt) {
  std::vector<int32_t> ids = tokenizer.encode(prompt).ids;
  if (!ids.empty() && tokenizer.special().eos && ids.back() == *tokenizer.special().eos &&
      tokenizer.special_template().closing() >= 0)
    ids.pop_back();
  return ids;
}

EncodedSplit encode_language(const Tokenizer& tokenizer, std::span<const Example> examples,
                             int max_length, const TextRules& rules, bool training) {
  if (rules.encoder) return encode_sources(tokenizer, examples, max_length, rules);
  check(!rules.separator || rules.end >= 0, "text",
        "the end token should stand between prompt and completion, and the tokenizer has none");
  const bool chats = std::any_of(examples.begin(), examples.end(),
                                 [](const Example& e) { return !e.turns.empty(); });
  const ChatFormat* format = !chats                      ? nullptr
                             : rules.chat_format.empty() ? &own_chat_format(tokenizer)
                                                         : &chat_format(rules.chat_format);
  const LanguageEncoder encode(tokenizer, format, max_length, rules, training);
  EncodedSplit split;
  RowFiller rows(split, max_length, training);
  in_order(examples, encode,
           [&](const Example& example, const LearnedText& text) { rows.add(example, text); });
  rows.finish();
  check(split.size() > 0, "text", "no row has a token that could be learned",
        engine::hint("is --max-length shorter than the prompts?"));
  return split;
}

}  // namespace data
