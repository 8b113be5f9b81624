// A person's own data: a TSV, CSV or JSON-lines file with named columns becomes a task like GLUE's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

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
  // "classify", "regress" (labels are numbers) or "multilabel" (labels are lists: JSON arrays, or
  // names between '|').
  std::string kind = "classify";
  double held_out = 0.1;  // share of `train` that becomes "dev" if there is no dev file, in (0, 1)
  uint64_t seed = 42;     // which rows are held out, of every class the same share
};

// Classes are the labels found in the training file, as they are written there and in its order; by
// value if all are integers. The dev and test files have the columns that the training file has.
// Rows of train and dev without a label (blank, or null in JSON) are left out and counted in
// Split::skipped. Throws engine::Error with file, line and what was found for a missing column, an
// unknown label in the dev file, an empty file, fewer than two classes, or a regression label that
// is not a number.
TaskData load_own(const OwnData& own);

// The columns in use of a table that is read row by row.
struct TextColumns {
  size_t text = 0;
  std::optional<size_t> text_b;
};
class RowReader;
// Throws engine::Error that lists the columns if there is no text, or no second one for a pair.
TextColumns text_columns(const RowReader& rows, bool pair, const OwnData& columns);
// The names that a text column may have: the one that is given, or those that are guessed.
std::vector<std::string> text_column_names(const OwnData& columns);

// Reads one file as a split of a task that exists already, for instance to predict with a trained
// model. `columns` may leave names empty as above. With `needs_labels` the label column must be
// there, and rows without a label are left out; otherwise rows get labels if all of them have one.
Split read_own_file(const TaskInfo& task, const std::string& split,
                    const std::filesystem::path& file, const OwnData& columns = {},
                    bool needs_labels = false);

}  // namespace data
