// The program as a person runs it: words in, exit code and output out.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/paths.h"

namespace trust {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

struct Outcome {
  int code = 0;  // minus the signal that ended it
  std::string out, err;
  bool ok() const { return code == 0; }
  bool says(const std::string& text) const {
    return out.find(text) != std::string::npos || err.find(text) != std::string::npos;
  }
};

struct RunOptions {
  std::string input;               // on stdin
  std::function<void()> in_child;  // before the program begins, for instance close(1)
  // In the test, while the program runs; its standard output so far is in the file.
  std::function<void(int pid, const fs::path& out)> meanwhile;
};

// `peft WORDS...`
Outcome peft(const Words& words, const RunOptions& options = {});

// Runs that should work: fails the test with the output otherwise.
Outcome works(const Words& words, const RunOptions& options = {});
// Runs that should end with a message: exit code 1 or 2, "error: " and all of `texts`.
void refuses(const Words& words, const std::vector<std::string>& texts,
             const RunOptions& options = {});

// Until the file holds the text; false after half a minute.
bool wait_for(const fs::path& file, const std::string& text);

// vocab.txt of some English words, below `dir`; returns its folder.
fs::path tokenizer(const testing::TempDir& dir);
// A table of `rows` texts with two classes, good and bad; comma-separated.
std::string reviews(int rows = 8);
// The flags of a short run of a small random model on `train`, into `out`.
Words finetune(const testing::TempDir& dir, const fs::path& train, const std::string& out,
               const Words& more = {});
// A trained model as an ordinary folder with weights, config.json and tokenizer, made by a run and
// `peft merge`.
fs::path model_folder(const testing::TempDir& dir);

std::vector<std::string> lines_of(const std::string& text);

}  // namespace trust
