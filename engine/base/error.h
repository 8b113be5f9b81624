// Errors for people: what happened, where, what was found, what to do.
//
//   check(x.cols() == w.cols(), "linear", "input ", x.shape(), " does not fit weight ", w.shape());
//   fail("tsv", path, ": no column named 'label'", hint("the header has: sentence, score"));
//
// Library folders only throw; an application prints the message once on stderr and exits with a
// non-zero code.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>

namespace engine {

// what(): "where: message", followed by "\nhint: ..." if one was given.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

template <class... Parts>
struct Hint {
  std::tuple<const Parts&...> parts;
};

// What the reader can do about it; streams as a line of its own. It refers to its parts and formats
// them only when it is streamed, for a check() that holds evaluates its arguments too: use it
// inside check() or fail(), keep none.
template <class... Parts>
Hint<Parts...> hint(const Parts&... parts) {
  return {std::tie(parts...)};
}
template <class... Parts>
std::ostream& operator<<(std::ostream& out, const Hint<Parts...>& h) {
  out << "\nhint: ";
  std::apply([&](const Parts&... parts) { (out << ... << parts); }, h.parts);
  return out;
}

template <class... Parts>
[[noreturn]] void fail(std::string_view where, const Parts&... parts) {
  throw Error(concat(where, ": ", parts...));
}

// The parts are formatted only when `ok` is false.
template <class... Parts>
inline void check(bool ok, std::string_view where, const Parts&... parts) {
  if (!ok) [[unlikely]]
    fail(where, parts...);
}

}  // namespace engine
