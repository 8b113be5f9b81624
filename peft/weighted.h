// Sums of LoRA adapters of one base, as PEFT 0.21's add_weighted_adapter makes them. With weights
// w_i and the adapters' own scales s_i the wanted update of a layer is  sum_i w_i s_i B_i A_i.
//
//   cat     A = [w_1 s_1 A_1; w_2 s_2 A_2; ...], B = [B_1 B_2 ...]: exact; the rank is the sum
//   svd     the closest update of rank `svd_rank`: A = V^T, B = U S of the exact sum
//   linear  A = sum_i sign(w_i) sqrt(|w_i| s_i) A_i, B = sum_i sqrt(|w_i| s_i) B_i: of equal ranks.
//           A rough approximation: B A has products of different adapters too
//
// The result has alpha = r, so its scale is 1. It never has use_rslora: PEFT keeps the first
// adapter's, which multiplies a sum by sqrt(r) when that adapter has it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "peft/adapter_file.h"

namespace peft {

enum class Combination { linear, cat, svd };
// Throws engine::Error that lists the names for any other.
Combination combination_from_name(const std::string& name);

struct WeightedAdapter {
  std::string name;  // for messages
  AdapterFile file;  // of load_adapter(folder, Fused::joined)
  double weight = 1;
};

// The sum, with the configuration of the first. Other tensors (a head) must be the same bits in
// every adapter that has them. svd_rank 0: the largest rank, as in PEFT; only for svd. Throws
// engine::Error for what has no such sum: no LoRA, DoRA, trained biases, heads that differ, other
// bases.
AdapterFile add_weighted(const std::vector<WeightedAdapter>& adapters, Combination combination,
                         int64_t svd_rank = 0);

// Writes adapter_config.json and adapter_model.safetensors in PEFT's format; makes the folder.
void write_adapter(const std::filesystem::path& folder, const AdapterFile& file);

}  // namespace peft
