// The table behind data/glue.h: what is different from task to task in GLUE's files. Internal to
// data/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/task.h"

namespace data {

// Where the fields stand in a file that has no header (0-based).
struct Headerless {
  size_t text_a, text_b, label, fields;  // `fields` at least
};

struct SplitFile {
  std::string split, file, submission;  // submission: empty for a split that is not submitted
};

struct GlueTask {
  TaskInfo info;
  std::vector<std::string> aliases;  // beside key and name, lower-case without - and _
  std::vector<std::string> text_a, text_b,
      label;  // column names that are in use, lower-case; the first is the official one
  std::vector<SplitFile> files;
  std::optional<Headerless> headerless = std::nullopt;
  bool submit_words = false;  // the server expects the label's word, not its digit
  bool skip_corrupt = false;  // rows with too few fields are left out and counted (QQP)
};

const std::vector<GlueTask>& glue_table();
// Throws engine::Error that lists the tasks if there is none of this name.
const GlueTask& glue_entry(std::string_view name);
const GlueTask* find_glue_entry(std::string_view name);
// Lower-case without - and _: how task and folder names are compared.
std::string glue_spelling(std::string_view name);

}  // namespace data
