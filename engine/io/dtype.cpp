#include "engine/io/dtype.h"

#include <array>
#include <bit>
#include <cctype>

#include "engine/base/error.h"

namespace engine {
namespace {

struct Entry {
  DType dtype;
  const char* name;
  int64_t bytes;
};
constexpr std::array<Entry, 15> kTypes{{{DType::BOOL, "BOOL", 1},
                                        {DType::U8, "U8", 1},
                                        {DType::I8, "I8", 1},
                                        {DType::F8_E5M2, "F8_E5M2", 1},
                                        {DType::F8_E4M3, "F8_E4M3", 1},
                                        {DType::I16, "I16", 2},
                                        {DType::U16, "U16", 2},
                                        {DType::F16, "F16", 2},
                                        {DType::BF16, "BF16", 2},
                                        {DType::I32, "I32", 4},
                                        {DType::U32, "U32", 4},
                                        {DType::F32, "F32", 4},
                                        {DType::F64, "F64", 8},
                                        {DType::I64, "I64", 8},
                                        {DType::U64, "U64", 8}}};

}  // namespace

const char* dtype_name(DType dtype) { return kTypes[static_cast<size_t>(dtype)].name; }
int64_t dtype_bytes(DType dtype) { return kTypes[static_cast<size_t>(dtype)].bytes; }

bool find_dtype(std::string_view name, DType* found) {
  for (const Entry& entry : kTypes)
    if (name == entry.name) {
      *found = entry.dtype;
      return true;
    }
  return false;
}

DType parse_dtype(std::string_view name, const std::string& where) {
  std::string upper(name);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  DType dtype{};
  if (find_dtype(upper, &dtype)) return dtype;
  std::string known;
  for (const Entry& entry : kTypes) known += (known.empty() ? "" : ", ") + std::string(entry.name);
  fail(where, "there is no element type '", name, "'", hint("known are " + known));
}

std::string dims_text(const std::vector<int64_t>& dims) {
  std::string text = "[";
  for (const int64_t n : dims) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + "]";
}

float half_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1F, fraction = bits & 0x3FF;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000u | (fraction << 13));
  if (exponent != 0)
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) |
                                (fraction << 13));              // 112 = 127 - 15
  const float small = static_cast<float>(fraction) * 0x1p-24f;  // subnormal: exact in float
  return sign ? -small : small;
}

uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t rest = bits & 0x7FFFFFFFu;
  if (rest > 0x7F800000u) return static_cast<uint16_t>(sign | 0x7E00u);  // NaN
  if (rest >= 0x477FF000u)
    return static_cast<uint16_t>(sign | 0x7C00u);  // from 65520 on, nearest is infinity
  if (rest >= 0x38800000u) {                       // from 2^-14 on: normal
    const uint32_t half = rest - (112u << 23);
    return static_cast<uint16_t>(sign | ((half + 0xFFFu + ((half >> 13) & 1u)) >> 13));
  }
  // Subnormal: adding 2^-1 makes the processor round to a multiple of 2^-24, ties to even.
  const float shifted = std::bit_cast<float>(rest) + 0.5f;
  return static_cast<uint16_t>(sign |
                               (std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0.5f)));
}

}  // namespace engine
