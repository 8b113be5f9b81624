// With d, m: F16 scales of a block, q: a quantised value, s: a scale of 6 or 8 bits.
//
//   Q4_0, Q5_0  d (q - 8), d (q - 16)           32 values
//   Q4_1, Q5_1  d q + m                         32 values
//   Q8_0        d q                             32 values, q signed
//   Q4_K, Q5_K  (d s) q - (m t)                 256 values in 8 parts with s, t each
//   Q6_K        (d s) (q - 32)                  256 values in 16 parts with s each
//
// Source: ggml-quants.c, dequantize_row_*. Every product is exact in float, so that the result does
// not depend on whether the compiler fuses it with the sum.
#include "engine/io/ggml_types.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "engine/tensor/bfloat16.h"

namespace engine {
namespace {

struct GgmlRow {
  GgmlType type;
  const char* name;
  int64_t values, bytes;  // of a block
  DType dtype;
};
constexpr GgmlRow kGgmlTypes[] = {
    {GgmlType::F32, "F32", 1, 4, DType::F32},       {GgmlType::F16, "F16", 1, 2, DType::F16},
    {GgmlType::Q4_0, "Q4_0", 32, 18, DType::F32},   {GgmlType::Q4_1, "Q4_1", 32, 20, DType::F32},
    {GgmlType::Q5_0, "Q5_0", 32, 22, DType::F32},   {GgmlType::Q5_1, "Q5_1", 32, 24, DType::F32},
    {GgmlType::Q8_0, "Q8_0", 32, 34, DType::F32},   {GgmlType::Q4_K, "Q4_K", 256, 144, DType::F32},
    {GgmlType::Q5_K, "Q5_K", 256, 176, DType::F32}, {GgmlType::Q6_K, "Q6_K", 256, 210, DType::F32},
    {GgmlType::I8, "I8", 1, 1, DType::I8},          {GgmlType::I16, "I16", 1, 2, DType::I16},
    {GgmlType::I32, "I32", 1, 4, DType::I32},       {GgmlType::I64, "I64", 1, 8, DType::I64},
    {GgmlType::F64, "F64", 1, 8, DType::F64},       {GgmlType::BF16, "BF16", 1, 2, DType::BF16}};

// Only named, so that a message can say what a file has.
struct GgmlName {
  uint32_t number;
  const char* name;
};
constexpr GgmlName kOtherTypes[] = {
    {9, "Q8_1"},     {10, "Q2_K"},  {11, "Q3_K"},   {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"},
    {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},   {23, "IQ4_XS"},
    {29, "IQ1_M"},   {34, "TQ1_0"}, {35, "TQ2_0"},  {39, "MXFP4"}, {40, "NVFP4"},   {41, "Q1_0"}};

const GgmlRow& ggml_row(GgmlType type) {
  return *std::find_if(std::begin(kGgmlTypes), std::end(kGgmlTypes),
                       [&](const GgmlRow& row) { return row.type == type; });
}

using BlockBytes = const uint8_t*;

float half_at(BlockBytes p) {
  uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return half_to_float(bits);
}

// Q4_0, Q4_1, Q5_0 and Q5_1: value i in the low half of byte i, value i + 16 in the high half; a
// fifth bit from `high`. A sum with m = -0 changes nothing.
void block_32(BlockBytes low, uint32_t high, float d, float zero, float m, float* out) {
  for (int i = 0; i < 16; ++i) {
    const uint32_t a = (low[i] & 15u) | (((high >> i) & 1u) << 4),
                   b = (low[i] >> 4u) | (((high >> (i + 16)) & 1u) << 4);
    out[i] = d * (static_cast<float>(a) - zero) + m;
    out[i + 16] = d * (static_cast<float>(b) - zero) + m;
  }
}

uint32_t word_at(BlockBytes p) {
  uint32_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return bits;
}

// Part j's scale and minimum, 6 bits each, out of 12 bytes.
struct KScale {
  float scale, minimum;
};
KScale k_scale(BlockBytes s, int j) {
  if (j < 4) return {static_cast<float>(s[j] & 63), static_cast<float>(s[j + 4] & 63)};
  return {static_cast<float>((s[j + 4] & 15) | ((s[j - 4] >> 6) << 4)),
          static_cast<float>((s[j + 4] >> 4) | ((s[j] >> 6) << 4))};
}

// Q4_K, and with the fifth bits Q5_K: d, m, 12 bytes of scales, the bits, 128 bytes.
void block_k(BlockBytes p, bool fifth, float* out) {
  const float d = half_at(p), m = half_at(p + 2);
  const BlockBytes scales = p + 4, bits = p + 16;
  BlockBytes low = fifth ? p + 48 : p + 16;
  for (int j = 0; j < 8; j += 2, low += 32)
    for (int half = 0; half < 2; ++half) {
      const KScale s = k_scale(scales, j + half);
      const float scale = d * s.scale, minimum = m * s.minimum;
      for (int i = 0; i < 32; ++i) {
        int q = half == 0 ? low[i] & 15 : low[i] >> 4;
        if (fifth) q |= ((bits[i] >> (j + half)) & 1) << 4;
        *out++ = scale * static_cast<float>(q) - minimum;
      }
    }
}

// 128 bytes of low halves, 64 of upper bits, 16 signed scales, d.
void block_q6_k(BlockBytes p, float* out) {
  const float d = half_at(p + 208);
  BlockBytes low = p, high = p + 128, scales = p + 192;
  for (int n = 0; n < 2; ++n, low += 64, high += 32, scales += 8)
    for (int part = 0; part < 4; ++part)
      for (int i = 0; i < 32; ++i) {
        const uint8_t byte = low[i + 32 * (part % 2)];
        const int q =
            ((part < 2 ? byte & 15 : byte >> 4) | (((high[i] >> (2 * part)) & 3) << 4)) - 32;
        const auto scale = static_cast<int8_t>(scales[2 * part + i / 16]);
        *out++ = d * static_cast<float>(scale) * static_cast<float>(q);
      }
}

void block_of(GgmlType type, BlockBytes p, float* out) {
  switch (type) {
    case GgmlType::F32:
      std::memcpy(out, p, 4);
      return;
    case GgmlType::F64: {
      double wide;
      std::memcpy(&wide, p, 8);
      *out = static_cast<float>(wide);
      return;
    }
    case GgmlType::F16:
      *out = half_at(p);
      return;
    case GgmlType::BF16: {
      BFloat16 bits;
      std::memcpy(&bits, p, sizeof bits);
      *out = static_cast<float>(widened(bits));
      return;
    }
    case GgmlType::Q4_0:
      return block_32(p + 2, 0, half_at(p), 8, -0.0f, out);
    case GgmlType::Q4_1:
      return block_32(p + 4, 0, half_at(p), 0, half_at(p + 2), out);
    case GgmlType::Q5_0:
      return block_32(p + 6, word_at(p + 2), half_at(p), 16, -0.0f, out);
    case GgmlType::Q5_1:
      return block_32(p + 8, word_at(p + 4), half_at(p), 0, half_at(p + 2), out);
    case GgmlType::Q8_0: {
      const float d = half_at(p);
      for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(static_cast<int8_t>(p[2 + i]));
      return;
    }
    case GgmlType::Q4_K:
      return block_k(p, false, out);
    case GgmlType::Q5_K:
      return block_k(p, true, out);
    case GgmlType::Q6_K:
      return block_q6_k(p, out);
    default:
      return;  // whole numbers, which nobody reads as floats
  }
}

}  // namespace

std::optional<GgmlType> find_ggml_type(uint32_t number) {
  for (const GgmlRow& row : kGgmlTypes)
    if (static_cast<uint32_t>(row.type) == number) return row.type;
  return std::nullopt;
}

std::string ggml_type_name(uint32_t number) {
  if (const auto type = find_ggml_type(number)) return ggml_row(*type).name;
  for (const GgmlName& other : kOtherTypes)
    if (other.number == number) return other.name;
  return "type " + std::to_string(number);
}

int64_t ggml_block_values(GgmlType type) { return ggml_row(type).values; }
int64_t ggml_block_bytes(GgmlType type) { return ggml_row(type).bytes; }
DType ggml_dtype(GgmlType type) { return ggml_row(type).dtype; }
bool is_quantised(GgmlType type) { return ggml_row(type).values > 1; }

void dequantise(GgmlType type, const std::byte* blocks, int64_t count, float* out) {
  const GgmlRow& row = ggml_row(type);
  const auto* p = reinterpret_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < count; i += row.values, p += row.bytes) block_of(type, p, out + i);
}

void quantise_q8_0(const float* values, int64_t count, std::byte* out) {
  for (int64_t i = 0; i < count; i += 32, values += 32, out += 34) {
    float most = 0;
    for (int k = 0; k < 32; ++k) most = std::max(most, std::abs(values[k]));
    const float d = most / 127, reciprocal = 1 / d;
    const float inverse = std::isfinite(reciprocal) ? reciprocal : 0;  // d is 0, or as good as
    const uint16_t bits = float_to_half(d);
    std::memcpy(out, &bits, sizeof bits);
    for (int k = 0; k < 32; ++k) {
      const float q = std::clamp(std::round(values[k] * inverse), -127.0f, 127.0f);
      out[2 + k] = static_cast<std::byte>(static_cast<int8_t>(q));
    }
  }
}

}  // namespace engine
