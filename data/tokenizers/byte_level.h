// GPT-2's byte level: each byte of a text stands as one printable character, so that a vocabulary
// of text tokens covers all bytes.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace data {

// The character (in UTF-8) that stands for each byte: itself for 33-126, 161-172 and 174-255, else
// 256 + n.
const std::array<std::string, 256>& byte_characters();

std::string to_byte_characters(std::string_view bytes);

// The bytes that a token's characters stand for; nullopt if one of them stands for no byte.
std::optional<std::string> from_byte_characters(std::string_view token);

}  // namespace data
