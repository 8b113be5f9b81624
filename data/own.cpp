#include "data/own.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "data/batcher.h"
#include "data/table.h"
#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {
namespace {

const std::vector<std::string> kText = {"sentence", "text",      "sentence1",
                                        "premise",  "question1", "question"};
const std::vector<std::string> kTextB = {"text_b", "sentence2", "hypothesis", "question2"};
const std::vector<std::string> kLabel = {"label", "labels", "gold_label", "score", "class"};

struct Columns {
  size_t text;
  std::optional<size_t> text_b, label;
};

std::optional<size_t> guess(const Table& table, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (const auto found = table.find(name)) return found;
  return std::nullopt;
}

std::optional<size_t> named_or_guessed(const Table& table, const std::string& name,
                                       const std::vector<std::string>& names) {
  return name.empty() ? guess(table, names) : std::optional(table.column(name));
}

Columns find_columns(const Table& table, const OwnData& own) {
  const auto text = named_or_guessed(table, own.text, kText);
  engine::check(text.has_value(), table.file.string(),
                "which column has the text? There is none of: ", listed(kText),
                engine::hint("name it; the columns are: " + listed(table.columns)));
  Columns columns{*text, named_or_guessed(table, own.text_b, kTextB),
                  named_or_guessed(table, own.label, kLabel)};
  // A text column that was named alone means single texts, even if the table has a "sentence2"
  // beside it.
  if (!own.text.empty() && own.text_b.empty()) columns.text_b.reset();
  return columns;
}

std::optional<int64_t> as_integer(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> classes_of(const Table& table, size_t column) {
  std::vector<std::string> labels;
  for (const auto& row : table.rows) labels.push_back(row[column]);
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  if (std::all_of(labels.begin(), labels.end(),
                  [](const std::string& l) { return as_integer(l).has_value(); }))
    std::stable_sort(labels.begin(), labels.end(), [](const std::string& a, const std::string& b) {
      return *as_integer(a) < *as_integer(b);
    });
  engine::check(labels.size() > 1, table.file.string(), "has ", labels.size(),
                " class in the column '", table.columns[column], "' (", listed(labels),
                "), a classification needs two");
  constexpr size_t kMany = 1000;
  engine::check(labels.size() <= kMany, table.file.string(), "has ", labels.size(),
                " different labels in the column '", table.columns[column], "'",
                engine::hint("is it a number to be approached? Then ask for a regression"));
  return labels;
}

double read_label(const TaskInfo& task, const std::string& text, const Table& table, size_t row) {
  if (task.regression) {
    double value = 0;
    engine::check(parse_number(text, value), table.where(row), "the label is '", text,
                  "', expected a number");
    return value;
  }
  const auto index = task.label_index(text);
  engine::check(index.has_value(), table.where(row), "the label is '", text,
                "', which the training data does not have",
                engine::hint("its labels are: " + listed(task.labels)));
  return *index;
}

Split make_split(const TaskInfo& task, const std::string& name, const Table& table,
                 const Columns& columns) {
  Split split{.name = name, .file = table.file, .examples = {}, .skipped = 0};
  split.examples.reserve(table.rows.size());
  for (size_t i = 0; i < table.rows.size(); ++i) {
    Example example;
    example.a = table.rows[i][columns.text];
    if (task.pair) example.b = table.rows[i][*columns.text_b];
    if (columns.label) example.label = read_label(task, table.rows[i][*columns.label], table, i);
    example.id = static_cast<int64_t>(i);
    split.examples.push_back(std::move(example));
  }
  return split;
}

// Moves a share of the rows into "dev": the first of a permutation by the seed; both parts keep the
// file's order.
void hold_out(TaskData& data, double share, uint64_t seed) {
  Split& train = data.splits["train"];
  const auto n = static_cast<int64_t>(train.examples.size());
  const auto held = std::clamp<int64_t>(std::llround(share * static_cast<double>(n)), 1, n - 1);
  std::vector<bool> is_dev(static_cast<size_t>(n));
  const auto order = shuffled(n, seed, 0);
  for (int64_t i = 0; i < held; ++i)
    is_dev[static_cast<size_t>(order[static_cast<size_t>(i)])] = true;
  Split dev{.name = "dev", .file = train.file, .examples = {}, .skipped = 0};
  std::vector<Example> rest;
  for (size_t i = 0; i < is_dev.size(); ++i)
    (is_dev[i] ? dev.examples : rest).push_back(std::move(train.examples[i]));
  train.examples = std::move(rest);
  data.splits["dev"] = std::move(dev);
}

}  // namespace

Split read_own_file(const TaskInfo& task, const std::string& name,
                    const std::filesystem::path& file, const OwnData& own) {
  const Table table = read_table(file);
  Columns columns = find_columns(table, own);
  if (!task.pair) columns.text_b.reset();
  engine::check(!task.pair || columns.text_b, file.string(), "no column with the second text",
                engine::hint("name it; the columns are: " + listed(table.columns)));
  return make_split(task, name, table, columns);
}

TaskData load_own(const OwnData& own) {
  const Table table = read_table(own.train);
  const Columns columns = find_columns(table, own);
  engine::check(columns.label.has_value(), own.train.string(),
                "which column has the label? There is none of: ", listed(kLabel),
                engine::hint("name it; the columns are: " + listed(table.columns)));
  OwnData same = own;  // the other files have the training file's columns
  same.text = table.columns[columns.text];
  same.text_b = columns.text_b ? table.columns[*columns.text_b] : "";
  TaskData data;
  data.info = {.key = "own",
               .name = own.train.stem().string(),
               .pair = columns.text_b.has_value(),
               .regression = own.regression,
               .labels = {},
               .metrics = {}};
  if (own.regression) {
    data.info.metrics = {"pearson", "spearman"};
  } else {
    data.info.labels = classes_of(table, *columns.label);
    data.info.metrics = {"accuracy"};
  }
  data.splits["train"] = make_split(data.info, "train", table, columns);
  if (own.dev) {
    data.splits["dev"] = read_own_file(data.info, "dev", *own.dev, same);
    engine::check(data.splits["dev"].labelled(), own.dev->string(), "no column with the label");
  } else {
    engine::check(own.held_out > 0 && own.held_out < 1, "own data", "the share to hold out is ",
                  own.held_out, ", expected a number between 0 and 1");
    engine::check(table.rows.size() > 1, own.train.string(),
                  "has one row, of which none can be held out");
    hold_out(data, own.held_out, own.seed);
  }
  if (own.test) data.splits["test"] = read_own_file(data.info, "test", *own.test, same);
  return data;
}

}  // namespace data
