// Updates of some columns of a fused layer, as PEFT's files can say them: one A and one B for all
// of the layer. With updates B_q A_q of the queries and B_v A_v of the values,
//
//   A = [A_q]   B = [B_q  0 ]    r = r_q + r_v, and alpha grows so that the scale stays:
//       [A_v]       [ 0   0 ]    alpha' = alpha r' / r, or alpha sqrt(r' / r) with rslora
//                   [ 0  B_v]
//
// is the same update. DoRA's magnitudes of the columns in between are the lengths of the weight's
// rows.
#pragma once

#include <memory>
#include <vector>

#include "peft/adapter_file.h"
#include "peft/lora.h"

namespace peft {

// The updates at one layer.
class JoinedParts {
 public:
  explicit JoinedParts(std::vector<const Lora::LinearPlace*> places) : places_(std::move(places)) {}

  bool joined() const { return is_part(places_.front()->site); }
  const std::string& path() const { return places_.front()->site.path; }
  int64_t r() const;
  double alpha() const;
  bool has(const engine::Parameter& p) const;  // an update's own parameter
  // {name, first row of the weight, rows, rank} of each, for split_parts().
  engine::Json parts() const;
  // The joined tensors, below PEFT's key of the layer. The memory is put into `memory`.
  std::vector<engine::TensorToSave> tensors(const std::string& key,
                                            std::vector<engine::Matrix>& memory) const;

 private:
  std::vector<const Lora::LinearPlace*> places_;
};

// One entry for every layer, in order.
std::vector<JoinedParts> joined_updates(const Lora& lora);

// The other way round: replaces the joined tensors of `file` by those of the parts, as they were
// saved ({path: [[name, first row, rows, rank], ...]}). False, and nothing is changed, where the
// tensors are no longer of that form (somebody trained them as one).
bool split_parts(AdapterFile& file, const engine::Json& parts);

}  // namespace peft
