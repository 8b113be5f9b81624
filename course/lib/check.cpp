#include "course/lib/check.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <new>

namespace course {
namespace {

constexpr unsigned kSeconds = 5;             // of processor time, for all checks of a task
constexpr rlim_t kMemory = rlim_t{2} << 30;  // of address space: the engine reserves some itself

struct Failed {
  std::string message;
};
struct Todo {};

char running[200] = "";  // the check that a signal interrupts

void say(const char* text) { (void)!write(STDOUT_FILENO, text, std::strlen(text)); }

void on_signal(int signal) {
  say("  FAIL  ");
  say(running);
  if (signal == SIGXCPU)
    say("\n        it ran for five seconds: a loop that does not end?\n");
  else if (signal == SIGABRT)
    say("\n        it was aborted\n");
  else
    say("\n        it crashed: an index outside of an array, or recursion without end?\n");
  say("ended by a signal: later checks were not run\n");
  _exit(3);
}

void guard() {
  static char stack[64 * 1024];  // for a handler after a stack overflow
  stack_t alternative{};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof stack;
  sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGXCPU})
    sigaction(signal, &action, nullptr);
  const rlimit seconds{kSeconds, kSeconds + 2};
  setrlimit(RLIMIT_CPU, &seconds);
  const rlimit memory{kMemory, kMemory};
  setrlimit(RLIMIT_AS, &memory);
}

bool close(double got, double expected, double tolerance) {
  if (std::isnan(expected)) return std::isnan(got);
  if (std::isinf(expected)) return got == expected;
  return std::abs(got - expected) <= tolerance * (1 + std::abs(expected));
}
bool close(int got, int expected, double) { return got == expected; }
bool close(const std::string& got, const std::string& expected, double) { return got == expected; }

std::string written(double value) { return number(value); }
std::string written(int value) { return std::to_string(value); }
std::string written(const std::string& value) { return '"' + value + '"'; }

template <class T>
bool all_close(const std::vector<T>& got, const std::vector<T>& expected, double tolerance) {
  if (got.size() != expected.size()) return false;
  for (size_t i = 0; i < got.size(); ++i)
    if (!close(got[i], expected[i], tolerance)) return false;
  return true;
}

template <class T>
std::string whole(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : " ") + written(value);
  return text;
}

// `place` says where element i is. Throws Failed where the two differ.
template <class T>
void compare(const std::string& what, const std::vector<T>& got, const std::vector<T>& expected,
             double tolerance, const std::function<std::string(size_t)>& place,
             const std::string& mistake) {
  if (all_close(got, expected, tolerance)) return;
  std::string message;
  if (got.size() != expected.size()) {
    message = what + ": expected " + std::to_string(expected.size()) + " values, got " +
              std::to_string(got.size());
  } else {
    size_t i = 0, wrong = 0;
    for (size_t j = got.size(); j-- > 0;)
      if (!close(got[j], expected[j], tolerance)) i = j, ++wrong;
    message = what + place(i) + ": expected " + written(expected[i]) + ", got " + written(got[i]);
    if (wrong > 1)
      message += "; " + std::to_string(wrong) + " of " + std::to_string(got.size()) + " are wrong";
  }
  if (expected.size() > 1 && expected.size() <= 8)
    message +=
        "\n        all expected: " + whole(expected) + "\n        all got:      " + whole(got);
  if (!mistake.empty()) message += "\n        hint: " + mistake;
  throw Failed{message};
}

template <class T>
std::string which(const std::vector<T>& got, const std::vector<Mistake<std::vector<T>>>& mistakes,
                  double tolerance) {
  for (const auto& mistake : mistakes)
    if (all_close(got, mistake.gives, tolerance)) return mistake.words;
  return "";
}

std::string by_index(size_t i) { return " at index " + std::to_string(i); }

}  // namespace

std::string number(double value) {
  char text[40];
  const bool whole = std::abs(value) < 1e15 && value == std::floor(value);
  std::snprintf(text, sizeof text, whole ? "%.0f" : "%.6g", value);
  return text;
}

void todo() { throw Todo(); }

Test::Test(std::string number, std::string chapter, std::string section)
    : chapter_(std::move(chapter)), section_(std::move(section)) {
  guard();
  std::printf("task %s\n", number.c_str());
  std::fflush(stdout);
}

void Test::check(const std::string& name, const std::function<void()>& body) {
  ++checks_;
  std::snprintf(running, sizeof running, "%s", name.c_str());
  std::string message;
  try {
    body();
    ++passed_;
    std::printf("  ok    %s\n", name.c_str());
    std::fflush(stdout);
    return;
  } catch (const Failed& failed) {
    message = failed.message;
  } catch (const Todo&) {
    message = "there is no code yet: fill in the hole in task.cpp";
  } catch (const std::bad_alloc&) {
    message = "it asked for more than 2 GB of memory: a loop that grows without end?";
  } catch (const std::exception& error) {
    message = std::string("it threw: ") + error.what();
  }
  std::printf("  FAIL  %s\n        %s\n        read: %s, \"%s\"\n", name.c_str(), message.c_str(),
              chapter_.c_str(), section_.c_str());
  std::fflush(stdout);
}

void Test::equal(const std::string& what, double got, double expected,
                 const std::vector<Mistake<double>>& mistakes, double tolerance) {
  if (close(got, expected, tolerance)) return;
  std::string words;
  for (const auto& mistake : mistakes)
    if (words.empty() && close(got, mistake.gives, tolerance)) words = mistake.words;
  compare<double>(
      what, {got}, {expected}, tolerance, [](size_t) { return ""; }, words);
}

void Test::equal(const std::string& what, const std::vector<double>& got,
                 const std::vector<double>& expected,
                 const std::vector<Mistake<std::vector<double>>>& mistakes, double tolerance) {
  compare<double>(what, got, expected, tolerance, by_index, which(got, mistakes, tolerance));
}

void Test::equal(const std::string& what, const std::vector<int>& got,
                 const std::vector<int>& expected,
                 const std::vector<Mistake<std::vector<int>>>& mistakes) {
  compare<int>(what, got, expected, 0, by_index, which(got, mistakes, 0));
}

void Test::equal(const std::string& what, const std::vector<std::string>& got,
                 const std::vector<std::string>& expected,
                 const std::vector<Mistake<std::vector<std::string>>>& mistakes) {
  compare<std::string>(what, got, expected, 0, by_index, which(got, mistakes, 0));
}

void Test::equal(const std::string& what, const Matrix& got, const Matrix& expected,
                 const std::vector<Mistake<Matrix>>& mistakes, double tolerance) {
  std::string words;
  for (const auto& mistake : mistakes)
    if (words.empty() && got.rows == mistake.gives.rows && got.cols == mistake.gives.cols &&
        all_close(got.values, mistake.gives.values, tolerance))
      words = mistake.words;
  if (got.rows != expected.rows || got.cols != expected.cols)
    throw Failed{what + ": expected a matrix of " + expected.shape() + ", got one of " +
                 got.shape() + (words.empty() ? "" : "\n        hint: " + words)};
  compare<double>(
      what, got.values, expected.values, tolerance,
      [&](size_t i) {
        const int at = static_cast<int>(i);
        return " at row " + std::to_string(at / got.cols) + ", column " +
               std::to_string(at % got.cols);
      },
      words);
}

void Test::require(bool holds, const std::string& message) {
  if (!holds) throw Failed{message};
}

int Test::result() {
  std::printf("%d of %d checks passed\n", passed_, checks_);
  return passed_ == checks_ && checks_ > 0 ? 0 : 1;
}

}  // namespace course
