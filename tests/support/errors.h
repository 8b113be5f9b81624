// What the code under test complains of.
#pragma once

#include <string>

#include "engine/base/error.h"

namespace testing {

// The message of the engine::Error that `f` throws; empty when it throws none.
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const engine::Error& e) {
    return e.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace testing
