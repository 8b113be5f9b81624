// Where the special tokens stand around one text or two: tokenizer.json's "post_processor", reduced
// to a list of parts.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace data {

struct SpecialTemplate {
  struct Part {
    enum class Kind { special, text_a, text_b } kind;
    int32_t id = 0;    // of a special token
    int32_t type = 0;  // token_type_id of the special token or of the whole text
  };
  std::vector<Part> single;
  std::vector<Part> pair;

  // `[CLS] A [SEP]`, `[CLS] A [SEP] B [SEP]` with types 0 and 1.
  static SpecialTemplate bert(int32_t cls, int32_t sep);
  // `<s> A </s>`, `<s> A </s></s> B </s>`, all types 0.
  static SpecialTemplate roberta(int32_t cls, int32_t sep);
  // No special tokens: `A`, `A B` with types 0 and 1.
  static SpecialTemplate plain();
  // LLaMA's "add_bos_token" and "add_eos_token": `<s> A </s>`, `<s> A </s> <s> B </s>` with types 0
  // and 1; each token only if it is given.
  static SpecialTemplate begin_end(std::optional<int32_t> bos, std::optional<int32_t> eos);
  // From tokenizer.json: BertProcessing, RobertaProcessing, TemplateProcessing, ByteLevel or a
  // Sequence with at most one template; null is plain. Throws engine::Error that opens with `where`
  // for any other kind, a template without the text (or with it twice), and an id that is none of
  // [0, vocab_size).
  static SpecialTemplate from_json(const nlohmann::json& post_processor, int32_t vocab_size,
                                   const std::string& where);

  static int specials(const std::vector<Part>& parts);  // how many tokens it adds

  // The special token in front of a single text, and the one behind it; -1: there is none.
  int32_t opening() const;
  int32_t closing() const;
};

}  // namespace data
