// Several LoRA adapters of one base added into one.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "apps/common/named_adapter.h"
#include "peft/adapter_file.h"

namespace apps {

struct SumOptions {
  std::vector<NamedAdapter> adapters;  // folders of adapters or runs
  std::vector<double> weights;         // one each; empty: 1 each
  std::string combine;                 // linear, cat or svd; empty: cat, which is exact
  int64_t svd_rank = 0;                // of svd; 0: the largest rank
};

// "0.7 0.3" or "0.7,0.3". Throws UsageError for what is no number.
std::vector<double> parse_weights(const std::string& text);

// The sum (peft/weighted.h). Throws engine::Error for another number of weights than of adapters
// and for what cannot be added.
peft::AdapterFile sum_of(const SumOptions& options);

// Writes the sum as an adapter folder, which must not hold anything.
void write_sum(const SumOptions& options, const std::filesystem::path& out, std::ostream& log);

}  // namespace apps
