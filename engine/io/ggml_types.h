// Element types of GGUF files: plain numbers, and blocks of quantised values that share a scale.
// Layouts are ggml's (ggml-common.h); what a block stands for is in ggml_types.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/io/dtype.h"

namespace engine {

enum class GgmlType : uint32_t {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  I8 = 24,
  I16 = 25,
  I32 = 26,
  I64 = 27,
  F64 = 28,
  BF16 = 30
};

// The type with the file's number, if it is one of those that are read.
std::optional<GgmlType> find_ggml_type(uint32_t number);
// "Q4_K"; also of types that are not read ("IQ2_XS"), "type 77" of one that nobody knows.
std::string ggml_type_name(uint32_t number);
inline std::string ggml_type_name(GgmlType type) {
  return ggml_type_name(static_cast<uint32_t>(type));
}
// Values and bytes of a block; 1 value of a plain type.
int64_t ggml_block_values(GgmlType type);
int64_t ggml_block_bytes(GgmlType type);
// The plain type, or what quantised values become (F32).
DType ggml_dtype(GgmlType type);
bool is_quantised(GgmlType type);

// `count` values, whole blocks, of a floating-point or quantised type. Needs no alignment.
void dequantise(GgmlType type, const std::byte* blocks, int64_t count, float* out);
// Blocks of 32 values as Q8_0, rounded as ggml's reference does. The values are finite.
void quantise_q8_0(const float* values, int64_t count, std::byte* out);

}  // namespace engine
