// What the tests of a task are written with. A test is a program that runs the student's code and
// says of a check that fails what was expected, what came out, where, and where to read.
//
//   int main() {
//     course::Test t = course::test("The mask");       // the section to read
//     t.check("two tokens by hand", [&] {
//       t.equal("output", task::attention(q, k, v), expected, {{without_scale, "..."}});
//     });
//     return t.result();
//   }
//
// A check that runs for five seconds, takes more than its share of memory or crashes ends the
// program with a message; the checks before it have been reported by then.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "course/lib/matrix.h"

namespace course {

// What an empty task does: throws, and the test says which file to open.
[[noreturn]] void todo();

// What comes out if a mistake is made that many make, and the words for it.
template <class T>
struct Mistake {
  T gives;
  std::string words;
};

class Test {
 public:
  // The task's number, and the chapter and section that explain it.
  Test(std::string number, std::string chapter, std::string section);

  // One check, with a name that says what must hold. The first thing in it that fails ends it.
  void check(const std::string& name, const std::function<void()>& body);

  // Inside a check. `what` names the value: "dW", "loss". The tolerance is relative to
  // 1 + |expected|.
  void equal(const std::string& what, double got, double expected,
             const std::vector<Mistake<double>>& mistakes = {}, double tolerance = 1e-9);
  void equal(const std::string& what, const std::vector<double>& got,
             const std::vector<double>& expected,
             const std::vector<Mistake<std::vector<double>>>& mistakes = {},
             double tolerance = 1e-9);
  void equal(const std::string& what, const Matrix& got, const Matrix& expected,
             const std::vector<Mistake<Matrix>>& mistakes = {}, double tolerance = 1e-9);
  void equal(const std::string& what, const std::vector<int>& got, const std::vector<int>& expected,
             const std::vector<Mistake<std::vector<int>>>& mistakes = {});
  void equal(const std::string& what, const std::vector<std::string>& got,
             const std::vector<std::string>& expected,
             const std::vector<Mistake<std::vector<std::string>>>& mistakes = {});
  // A property: `message` says what does not hold, with the numbers.
  void require(bool holds, const std::string& message);

  // Prints the sum, and gives main's result: 0 if every check passed.
  int result();

 private:
  std::string chapter_, section_;
  int checks_ = 0, passed_ = 0;
};

#ifdef COURSE_TASK
// The test of the folder that it is in: course/CMakeLists.txt says the task's number and chapter.
inline Test test(std::string section) { return {COURSE_TASK, COURSE_CHAPTER, std::move(section)}; }
#endif

std::string number(double value);  // as the messages write it

}  // namespace course
