// What was built, and where it runs: for run records and bug reports.
#pragma once

#include <cstdint>
#include <string>

namespace engine {

std::string version();  // "0.1.0"
// Of the source tree at configure time, with "-dirty" if it had changes; "unknown" outside git.
std::string git_revision();
std::string compiler();  // "g++ 12.2.0 -O3 -march=native"

struct Machine {
  std::string processor;  // model name
  int cores = 0;          // this process may use
  int64_t memory_bytes = 0;
  std::string system;  // kernel name and release
};
Machine machine();

int64_t peak_resident_bytes();  // of this process so far

}  // namespace engine
