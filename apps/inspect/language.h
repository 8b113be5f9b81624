// Texts as a causal model reads them.
#pragma once

#include <iosfwd>

#include "apps/inspect/inspect.h"
#include "run/locate.h"

namespace apps {

// JSON: a line a text with its "ids", "nll" (of every token after the first, in nats) and "logits"
// (of what comes next). Otherwise a table with the mean of nll and the likeliest next tokens.
// Throws for an empty text, and for one that is longer than the model (cut with --max-length).
void inspect_language(const InspectOptions& options, run::Located found, std::ostream& out);

}  // namespace apps
