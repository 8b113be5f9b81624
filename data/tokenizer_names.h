// The files of a folder that may belong to a tokenizer: those that are read, handed on and fetched.
#pragma once

namespace data {

inline constexpr const char* kTokenizerFiles[] = {"tokenizer.json",
                                                  "tokenizer_config.json",
                                                  "special_tokens_map.json",
                                                  "added_tokens.json",
                                                  "vocab.txt",
                                                  "vocab.json",
                                                  "merges.txt",
                                                  "spiece.model",
                                                  "tokenizer.model",
                                                  "sentencepiece.bpe.model",
                                                  "spm.model",
                                                  "chat_template.jinja",
                                                  "chat_template.json"};

}  // namespace data
