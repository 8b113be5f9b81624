// Element types of safetensors files, and the conversions of 16-bit floats.
//
// F16: 1 sign, 5 exponent, 10 fraction bits (IEEE 754 binary16). BF16: the upper half of a float.
// Going to 16 bits rounds to the nearest, ties to even, as torch does; NaN stays NaN, and F16
// overflows to infinity.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

enum class DType {
  BOOL,
  U8,
  I8,
  F8_E5M2,
  F8_E4M3,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  F64,
  I64,
  U64
};  // in order of size

const char* dtype_name(DType dtype);  // "F32"
int64_t dtype_bytes(DType dtype);     // of one element
// "F32" or "f32"; throws engine::Error with the known ones. find_dtype returns false instead.
DType parse_dtype(std::string_view name, const std::string& where);
bool find_dtype(std::string_view name, DType* found);

std::string dims_text(const std::vector<int64_t>& dims);  // "[768, 768]"

float half_to_float(uint16_t bits);
uint16_t float_to_half(float value);

}  // namespace engine
