#include "tests/support/paths.h"

namespace testing {

// Only this file is compiled with the two paths, so that a compiler cache can serve several
// checkouts.
std::filesystem::path source_dir() { return PEFT_SOURCE_DIR; }
std::filesystem::path binary_dir() { return PEFT_BINARY_DIR; }

}  // namespace testing
