// The bytes of a GGUF file, checked and taken apart; engine/io/gguf.h is what callers want.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "engine/io/gguf.h"

namespace engine {

struct GgufContents {
  std::map<std::string, GgufValue> values;
  std::map<std::string, GgufTensor> tensors;
};

// Values and tensors point into `bytes`. `where` names the file in errors.
GgufContents parse_gguf(std::span<const std::byte> bytes, const std::string& where);

}  // namespace engine
