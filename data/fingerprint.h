// A fingerprint of a text: equal texts have equal ones, and others differ in practice.
#pragma once

#include <string>
#include <string_view>

namespace data {

// XXH3-128 as 32 hexadecimal digits, those of `xxhsum -H2`. Not cryptographic.
std::string fingerprint(std::string_view text);

}  // namespace data
