// A chat in the terminal: a line is what the user says, the answer appears as it is written.
#pragma once

#include <iosfwd>

#include "apps/generate/flags.h"
#include "data/chat/format.h"
#include "run/generation.h"

namespace apps {

// What is written of one sequence, at once, to `out`; ends the line. Returns the text.
std::string stream_text(run::LanguageModel& lm, const std::vector<int32_t>& ids,
                        const run::Writing& how, std::ostream& out);

// Until the end of `in`, /quit, or a signal. /new forgets the chat; the oldest turns are forgotten
// when it outgrows the model's positions. Marks for the person go to `notes`.
void chat_loop(run::LanguageModel& lm, const data::ChatFormat& format, const std::string& system,
               const run::Writing& how, std::istream& in, std::ostream& out, std::ostream& notes);

}  // namespace apps
