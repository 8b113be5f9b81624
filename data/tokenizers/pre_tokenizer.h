// The "pre_tokenizer" of a tokenizer.json: cuts a normalised text into the words that the model
// encodes one by one.
//
// Follows Hugging Face's Rust library. Known are BertPreTokenizer, ByteLevel, Whitespace,
// WhitespaceSplit, Metaspace, Punctuation, Digits, Split, CharDelimiterSplit, FixedLength and
// Sequence; any other kind (UnicodeScripts) is an engine::Error that names it.
#pragma once

#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace data {

// The words of a text. They point into the caller's text, or into `owned` where a step changed
// them.
struct Words {
  struct Word {
    std::string_view text;
    bool begins_text = false;  // at byte 0 of the text as it came: Metaspace's scheme "first"
  };
  std::vector<Word> list;
  std::deque<std::string> owned;
  // The words are plain bytes that stand for ByteLevel's characters: a byte-level BPE reads them
  // as they are, without making the characters.
  bool bytes = false;

  // Makes ByteLevel's characters out of plain bytes, for who needs them.
  void spell_bytes();
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(Words& words) const = 0;  // no word is empty before or after

  // nullptr for null: the whole text is one word. `where` opens the messages.
  static std::unique_ptr<PreTokenizer> from_json(const nlohmann::json& json,
                                                 const std::string& where);
};

}  // namespace data
