// What is measured: model shapes by name, and lengths of the sequences of a batch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// "tiny", "mini", "electra-small", "minilm" (MiniLM-L6), "base": published shapes with BERT's
// vocabulary of 30,522, as the "random:..." spec of models/config.h. Anything else (a folder, a
// config.json, a spec) comes back as it is.
std::string model_spec(const std::string& model);
const std::vector<std::string>& model_names();

// Tokens of each sequence, for `batches` batches of `batch`. `lengths` is
//   "128" or "16,32,128"   these in turn
//   "sst2", "cola"         drawn, as a function of `seed`, from the lengths of the training
//   sentences of SST-2 and CoLA in tokens
//                          of bert-base-uncased with [CLS] and [SEP] (means 13.3 and 11.3, longest
//                          66 and 47)
// Throws engine::Error for anything else.
std::vector<std::vector<int>> batch_lengths(const std::string& lengths, int batch, int batches,
                                            uint64_t seed = 1);

}  // namespace bench
