// Where the special tokens stand around one text or two: tokenizer.json's "post_processor", reduced
// to a list of parts.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
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
  // No special tokens: `A`, `A B`.
  static SpecialTemplate plain();
  // From tokenizer.json: BertProcessing, RobertaProcessing, TemplateProcessing, ByteLevel or a
  // Sequence of these; null is plain. Throws engine::Error for any other kind.
  static SpecialTemplate from_json(const nlohmann::json& post_processor);

  static int specials(const std::vector<Part>& parts);  // how many tokens it adds
};

}  // namespace data
