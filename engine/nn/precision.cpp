#include "engine/nn/precision.h"

#include <atomic>

#include "engine/base/error.h"
#include "engine/tensor/half_gemm.h"

namespace engine {
namespace {

std::atomic<Precision> chosen{Precision::fp32};

}  // namespace

void set_precision(Precision precision) { chosen = precision; }

Precision precision() { return chosen; }

void check_precision(Precision precision) {
  check(precision != Precision::bf16 || has_bf16_products(), "precision",
        "bf16 needs a processor that multiplies BF16 values (avx512_bf16 or amx_bf16) and a build "
        "with oneDNN; this one lacks them",
        hint("use --weights bf16: the same memory for weights, with fp32 arithmetic"));
}

Precision parse_precision(std::string_view precision, std::string_view weights) {
  const auto known = [](const char* flag, std::string_view name) {
    check(name == "fp32" || name == "bf16", "precision", flag, " ", name,
          " is not one of fp32, bf16");
  };
  known("--precision", precision);
  known("--weights", weights);
  return precision == "bf16" ? Precision::bf16
         : weights == "bf16" ? Precision::bf16_weights
                             : Precision::fp32;
}

const char* precision_name(Precision precision) {
  return precision == Precision::fp32           ? "fp32"
         : precision == Precision::bf16_weights ? "bf16-weights"
                                                : "bf16";
}

}  // namespace engine
