// Flags that are numbers.
#pragma once

#include <cxxopts.hpp>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "engine/base/number.h"

namespace apps {

// Thrown inside cxxopts for the value of a flag that is no number, and caught by parse_flags.
struct NotANumber : cxxopts::exceptions::incorrect_argument_type {
  NotANumber(const std::string& found, std::string expected)
      : incorrect_argument_type(found), text(found), wanted(std::move(expected)) {}
  std::string text, wanted;
};

// The value of a flag that is a number, read by engine::to_number: cxxopts itself reads "1e-3x" as
// 0.001.
template <class T>
class NumberFlag : public cxxopts::values::standard_value<T> {
 public:
  using cxxopts::values::standard_value<T>::standard_value;
  void parse(const std::string& text) const override {
    const auto value = engine::to_number<T>(text);
    if (!value) throw NotANumber(text, std::is_integral_v<T> ? "a whole number" : "a number");
    *this->m_store = *value;
  }
  void parse() const override { parse(this->m_default_value); }
  std::shared_ptr<cxxopts::Value> clone() const override {
    return std::make_shared<NumberFlag<T>>(*this);
  }
};

// For add_options, in place of cxxopts::value<T>(into) and cxxopts::value<T>().
template <class T>
std::shared_ptr<cxxopts::Value> number_flag(T& into) {
  return std::make_shared<NumberFlag<T>>(&into);
}
template <class T>
std::shared_ptr<cxxopts::Value> number_flag() {
  return std::make_shared<NumberFlag<T>>();
}

}  // namespace apps
