#pragma once

#include <doctest/doctest.h>

#include <string>

namespace testing {

// Checks that a message holds `part`, and shows both where it does not.
inline bool says(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CAPTURE(part);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace testing
