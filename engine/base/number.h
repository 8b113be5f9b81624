// Numbers from text, strictly: the whole of the text, in the range of the type, finite. The only
// way from text to a number in this project (tests/house), so that "1e-3x", " 7", "0x10", "inf" and
// "99999999999" mean the same everywhere: nothing.
#pragma once

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "engine/base/error.h"

namespace engine {

// nullopt if `text` is not the decimal form of a T: a sign ("-" only), digits, and for floating
// types a point and an exponent.
template <class T>
std::optional<T> to_number(std::string_view text) {
  static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if constexpr (std::is_floating_point_v<T>)
    if (!std::isfinite(value)) return std::nullopt;
  return value;
}

// "a whole number from 1 to 64", "a number of 0 or more": for messages. Limits of T are not named.
template <class T>
std::string number_wanted(T least, T most) {
  using Limits = std::numeric_limits<T>;
  const char* kind = std::is_integral_v<T> ? "a whole number" : "a number";
  const bool above = least > Limits::lowest(), below = most < Limits::max();
  if (above && below) return concat(kind, " from ", least, " to ", most);
  if (above) return concat(kind, " of ", least, " or more");
  if (below) return concat(kind, " of ", most, " or less");
  return kind;
}

// The number that `text` is. Throws Error "where: what 'text' should be a whole number from ..".
template <class T>
T number_in(std::string_view text, std::string_view where, std::string_view what,
            T least = std::numeric_limits<T>::lowest(), T most = std::numeric_limits<T>::max()) {
  const std::optional<T> value = to_number<T>(text);
  check(value && *value >= least && *value <= most, where, what, " '",
        text.size() <= 60 ? text : text.substr(0, 60), "' should be ", number_wanted(least, most));
  return *value;
}

}  // namespace engine
