// A table as one line of text, in the exact forms of the papers.
//
//   lora           microsoft/LoRA, examples/NLG: E2E "name : The Eagle | Type : pub | price : £ 20
//   -
//                  25", triples "s : p : o | s : p : o" with DART's relations in lower case. The
//                  completion follows with a space in front; a separator token stands between them
//                  and another behind (GPT-2's 50256 both). WebNLG trains on "good" texts.
//   prefix_tuning  XiangLi1999/PrefixTuning: a space on both sides of the table and of the text,
//   and
//                  in WebNLG " | " before every triple, the first one too. (Its test prompt of the
//                  very first WebNLG entry lacks that " | ", by a wrong loop variable; here all
//                  have it.)
//
// E2E's values are tokenised as those repositories have them ("£20-25" becomes "£ 20 - 25"); their
// texts are tokenised too, which is a matter of the file (trainset.tokenised.tsv, src1_*.txt).
#pragma once

#include <string>
#include <string_view>

#include "data/table_text/table_text.h"

namespace data {

enum class Linearization { lora, prefix_tuning };

// "lora", "prefix-tuning". Throws engine::Error that lists them.
Linearization linearization(std::string_view name);

// The text before the separator token.
std::string linearize(const TableEntry& entry, TableTask task, Linearization form);
// The text between the separator and the end token.
std::string completion(std::string_view text, Linearization form);

}  // namespace data
