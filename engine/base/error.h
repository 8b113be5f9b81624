// Errors for people: what happened, where, what was found, what to do.
//
//   check(x.cols() == w.cols(), "linear", "input ", x.shape(), " does not fit weight ", w.shape());
//   fail("tsv", path, ": no column named 'label'", hint("the header has: sentence, score"));
//
// Library folders only throw; an application prints the message once on stderr and exits with a non-zero code.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace engine {

// what(): "where: message", followed by "\nhint: ..." if one was given.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

struct Hint {
  std::string text;
};

inline std::ostream& operator<<(std::ostream& out, const Hint& h) { return out << "\nhint: " << h.text; }

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// What the reader can do about it; streams as a line of its own.
template <class... Parts>
Hint hint(const Parts&... parts) {
  return Hint{concat(parts...)};
}

template <class... Parts>
[[noreturn]] void fail(std::string_view where, const Parts&... parts) {
  throw Error(concat(where, ": ", parts...));
}

// The parts are formatted only when `ok` is false.
template <class... Parts>
inline void check(bool ok, std::string_view where, const Parts&... parts) {
  if (!ok) [[unlikely]] fail(where, parts...);
}

}  // namespace engine
