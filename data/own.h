// A person's own data: a TSV, CSV or JSON-lines file with named columns becomes a task like GLUE's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "data/task.h"

namespace data {

struct OwnData {
  std::filesystem::path train;
  std::optional<std::filesystem::path> dev;   // without one, a part of `train` is held out
  std::optional<std::filesystem::path> test;  // labels are not needed
  // Columns by name. Left empty they are guessed: text from "sentence", "text", "sentence1",
  // "question", "premise", "question1"; second text from "sentence2", "hypothesis", "question2",
  // ...; label from "label", "score", "gold_label".
  std::string text, text_b, label;
  bool regression = false;  // labels are numbers to be approached, not classes
  double held_out = 0.1;  // share of `train` that becomes "dev" if there is no dev file, in (0, 1)
  uint64_t seed = 42;     // which rows are held out
};

// Classes are the labels found in the training file, in sorted order: by value if all are integers,
// else by bytes. Throws engine::Error with file, line and what was found for a missing column, an
// unknown label in the dev file, an empty file, fewer than two classes, or a regression label that
// is not a number.
TaskData load_own(const OwnData& own);

// Reads one file as a split of a task that exists already, for instance to predict with a trained
// model. Rows get a label if the label column is there. `columns` may leave names empty as above.
Split read_own_file(const TaskInfo& task, const std::string& split,
                    const std::filesystem::path& file, const OwnData& columns = {});

}  // namespace data
