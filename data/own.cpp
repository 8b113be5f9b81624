#include "data/own.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "data/batcher.h"
#include "data/rows.h"
#include "data/table.h"
#include "data/tsv.h"
#include "engine/base/number.h"
#include "engine/io/json_parse.h"

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

Columns find_columns(const Table& table, const OwnData& own, bool needs_labels = true) {
  const auto text = named_or_guessed(table, own.text, kText);
  const bool one = table.columns.size() == 1;
  const char* other = !one                                               ? ""
                      : table.columns[0].find(';') != std::string::npos  ? ";"
                      : table.columns[0].find('\t') != std::string::npos ? "a tab"
                      : table.columns[0].find(',') != std::string::npos  ? ","
                                                                         : "";
  engine::check(text.has_value(), table.file.string(),
                "which column has the text? There is none of: ", listed(kText),
                engine::hint(*other ? engine::concat("columns seem to be separated by ", other,
                                                     "; a .csv has commas, a .tsv tabs")
                                    : "name it; the columns are: " + listed(table.columns)));
  Columns columns{*text, named_or_guessed(table, own.text_b, kTextB),
                  needs_labels || own.label.empty() ? named_or_guessed(table, own.label, kLabel)
                                                    : table.find(own.label)};
  // A text column that was named alone means single texts, even if the table has a "sentence2"
  // beside it.
  if (!own.text.empty() && own.text_b.empty()) columns.text_b.reset();
  return columns;
}

bool blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// A label as it is written, without blanks around it; an absent one is blank. A list of labels may
// be a JSON array.
std::string label_text(const Table& table, size_t row, size_t column, bool several) {
  const std::string& text = table.rows[row][column];
  if (blank(text) || (several && text.starts_with('['))) return text;
  const std::string& label = table.text(row, column);
  const size_t first = label.find_first_not_of(" \t\r\n"), last = label.find_last_not_of(" \t\r\n");
  return label.substr(first, last - first + 1);
}

// "a|b" or ["a", "b"]: the names in it.
std::vector<std::string> label_list(const std::string& text) {
  std::vector<std::string> names;
  if (text.starts_with('[')) {
    const auto json = engine::json_detail::parse_if_json<nlohmann::json>(text);
    if (json.is_array()) {
      for (const auto& item : json)
        names.push_back(item.is_string() ? item.get<std::string>() : item.dump());
      return names;
    }
  }
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('|', begin), text.size());
    std::string name = text.substr(begin, end - begin);
    while (name.starts_with(' ')) name.erase(0, 1);
    while (name.ends_with(' ')) name.pop_back();
    if (!name.empty()) names.push_back(std::move(name));
    begin = end + 1;
  }
  return names;
}

// In the order in which the file brings them, integers by value.
std::vector<std::string> classes_of(const Table& table, size_t column, bool several) {
  std::vector<std::string> labels;
  std::set<std::string> seen;
  for (size_t row = 0; row < table.rows.size(); ++row) {
    const std::string text = label_text(table, row, column, several);
    for (const std::string& label : several ? label_list(text) : std::vector<std::string>{text})
      if (!blank(label) && seen.insert(label).second) labels.push_back(label);
  }
  if (std::all_of(labels.begin(), labels.end(),
                  [](const std::string& l) { return engine::to_number<int64_t>(l).has_value(); }))
    std::stable_sort(labels.begin(), labels.end(), [](const std::string& a, const std::string& b) {
      return *engine::to_number<int64_t>(a) < *engine::to_number<int64_t>(b);
    });
  engine::check(labels.size() > (several ? 0u : 1u), table.file.string(), "has ", labels.size(),
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

// Whether a row has no label: a blank one, or Hugging Face's -1 of test sets. In a list of labels a
// blank one means none of them.
bool unlabelled(const TaskInfo& task, const std::string& label) {
  return !task.regression && task.kind != "multilabel" &&
         (blank(label) || (label == "-1" && !task.label_index(label)));
}

// Rows without a label are left out and counted where labels are needed; a test set of which one
// row has none is read without labels.
Split make_split(const TaskInfo& task, const std::string& name, const Table& table, Columns columns,
                 bool needs_labels) {
  Split split{.name = name, .file = table.file, .examples = {}};
  split.examples.reserve(table.rows.size());
  if (!needs_labels && columns.label &&
      std::any_of(table.rows.begin(), table.rows.end(),
                  [&](const auto& row) { return unlabelled(task, row[*columns.label]); }))
    columns.label.reset();
  const bool several = task.kind == "multilabel";
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const std::string label =
        columns.label ? label_text(table, i, *columns.label, several) : std::string();
    if (columns.label && unlabelled(task, label)) {
      ++split.skipped;
      split.skipped_why = "rows without a label";
      continue;
    }
    Example example;
    example.a = table.text(i, columns.text);
    if (task.pair) example.b = table.text(i, *columns.text_b);
    if (columns.label && several) {
      example.label = 0;
      for (const std::string& one : label_list(label))
        example.labels.push_back(static_cast<int32_t>(read_label(task, one, table, i)));
    } else if (columns.label) {
      example.label = read_label(task, label, table, i);
    }
    example.id = static_cast<int64_t>(i);
    split.examples.push_back(std::move(example));
  }
  return split;
}

// Moves a share of the rows into "dev": of every class the same share, as near as whole rows allow,
// the first of a permutation by the seed. Both parts keep the file's order.
void hold_out(TaskData& data, double share, uint64_t seed) {
  Split& train = data.splits["train"];
  const auto n = static_cast<int64_t>(train.examples.size());
  const auto held = std::clamp<int64_t>(std::llround(share * static_cast<double>(n)), 1, n - 1);
  const bool by_class = !data.info.regression && data.info.kind != "multilabel";
  const size_t classes = by_class ? data.info.labels.size() : 1;
  std::vector<std::vector<int64_t>> rows(classes);  // of each class, in the permutation's order
  for (const int64_t i : shuffled(n, seed, 0)) {
    const Example& example = train.examples[static_cast<size_t>(i)];
    rows[by_class ? static_cast<size_t>(*example.label) : 0].push_back(i);
  }
  // Whole rows of each class's share, then one more for the largest remainders. A class keeps a row
  // for training.
  std::vector<int64_t> take(classes);
  std::vector<size_t> by_remainder(classes);
  std::vector<double> remainder(classes);
  int64_t left = held;
  for (size_t c = 0; c < classes; ++c) {
    const double want =
        static_cast<double>(held) * static_cast<double>(rows[c].size()) / static_cast<double>(n);
    take[c] = static_cast<int64_t>(want);
    remainder[c] = want - static_cast<double>(take[c]);
    left -= take[c];
    by_remainder[c] = c;
  }
  std::stable_sort(by_remainder.begin(), by_remainder.end(),
                   [&](size_t a, size_t b) { return remainder[a] > remainder[b]; });
  for (size_t i = 0; left > 0 && i < 2 * classes; ++i) {
    const size_t c = by_remainder[i % classes];
    if (take[c] + 1 >= static_cast<int64_t>(rows[c].size()) && i < classes) continue;
    if (take[c] >= static_cast<int64_t>(rows[c].size())) continue;
    ++take[c];
    --left;
  }
  std::vector<bool> is_dev(static_cast<size_t>(n));
  for (size_t c = 0; c < classes; ++c)
    for (int64_t i = 0; i < take[c]; ++i)
      is_dev[static_cast<size_t>(rows[c][static_cast<size_t>(i)])] = true;
  Split dev{.name = "dev", .file = train.file, .examples = {}};
  std::vector<Example> rest;
  for (size_t i = 0; i < is_dev.size(); ++i)
    (is_dev[i] ? dev.examples : rest).push_back(std::move(train.examples[i]));
  train.examples = std::move(rest);
  data.splits["dev"] = std::move(dev);
}

}  // namespace

std::vector<std::string> text_column_names(const OwnData& columns) {
  return columns.text.empty() ? kText : std::vector<std::string>{columns.text};
}

TextColumns text_columns(const RowReader& rows, bool pair, const OwnData& own) {
  Table header;
  header.file = rows.name();
  header.columns = rows.columns();
  const Columns found = find_columns(header, own, false);
  engine::check(!pair || found.text_b, rows.name(), "no column with the second text",
                engine::hint("name it; the columns are: " + listed(header.columns)));
  return {found.text, pair ? found.text_b : std::nullopt};
}

Split read_own_file(const TaskInfo& task, const std::string& name,
                    const std::filesystem::path& file, const OwnData& own, bool needs_labels) {
  const Table table = read_table(file);
  Columns columns = find_columns(table, own, needs_labels);
  if (!task.pair) columns.text_b.reset();
  engine::check(!task.pair || columns.text_b, file.string(), "no column with the second text",
                engine::hint("name it; the columns are: " + listed(table.columns)));
  return make_split(task, name, table, columns, needs_labels);
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
  same.label = table.columns[*columns.label];
  TaskData data;
  data.info = {.key = "own",
               .name = own.train.stem().string(),
               .kind = own.kind,
               .pair = columns.text_b.has_value(),
               .regression = own.kind == "regress",
               .labels = {},
               .metrics = {}};
  if (data.info.regression) {
    data.info.metrics = {"pearson", "spearman"};
  } else {
    data.info.labels = classes_of(table, *columns.label, own.kind == "multilabel");
    data.info.metrics = {own.kind == "multilabel" ? "micro_f1" : "accuracy"};
  }
  data.columns = {same.text, same.text_b, same.label};
  data.splits["train"] = make_split(data.info, "train", table, columns, true);
  engine::check(!data.splits["train"].examples.empty(), own.train.string(),
                "has no row with a label in the column '", same.label, "'");
  if (own.dev) {
    data.splits["dev"] = read_own_file(data.info, "dev", *own.dev, same, true);
    engine::check(data.splits["dev"].labelled(), own.dev->string(), "no row has a label");
  } else {
    engine::check(own.held_out > 0 && own.held_out < 1, "own data", "the share to hold out is ",
                  own.held_out, ", expected a number between 0 and 1");
    engine::check(data.splits["train"].examples.size() > 1, own.train.string(),
                  "has one row, of which none can be held out");
    hold_out(data, own.held_out, own.seed);
  }
  if (own.test) data.splits["test"] = read_own_file(data.info, "test", *own.test, same);
  return data;
}

}  // namespace data
