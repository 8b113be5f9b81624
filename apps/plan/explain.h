// What a strategy does to a model, as a person reads it: what is added, what learns, and a drawing
// of a block.
#pragma once

#include <string>

#include "run/explain.h"

namespace apps {

// At most `width` columns (0: any).
std::string explain_text(const run::Explained& explained, int width);

}  // namespace apps
