// Prompts as a person gives them: on the command line, a line each, or as JSON.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "data/task.h"

namespace apps {

struct Prompt {
  std::string text;
  std::vector<data::Turn> turns;  // of a chat, instead of a text
};

// Where a row has its prompt.
struct Columns {
  std::string given;     // empty: the first of the usual names that is there
  bool encoder = false;  // the model reads sources

  std::vector<std::string> names() const;
};

// `file`: lines of text, or a JSON object a line with a prompt in one of the columns, or "messages"
// (of which a last answer is left out); - is `in`. Throws engine::Error with the line for what is
// none of them.
std::vector<Prompt> read_prompts(const std::string& file, std::istream& in,
                                 const Columns& columns = {});

// A prompt for each table of a task's split, in the order of the set: the lines that peft score
// --task and the challenges' scripts expect. `folder` may be a file, `form` is a linearization
// (data/table_text).
std::vector<Prompt> table_prompts(const std::string& task, const std::string& folder,
                                  const std::string& split, const std::string& form);

}  // namespace apps
