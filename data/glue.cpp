#include "data/glue.h"

#include <algorithm>
#include <set>

#include "data/glue_table.h"
#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {
namespace {

namespace fs = std::filesystem;
constexpr size_t kNone = static_cast<size_t>(-1);

// Where the fields of one file stand.
struct Layout {
  size_t text_a = kNone, text_b = kNone, label = kNone;
  size_t fields = 0;     // per row
  bool exactly = false;  // more fields are an error, too
};

size_t find_column(const std::vector<std::string>& header, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found != header.end()) return static_cast<size_t>(found - header.begin());
  }
  return kNone;
}

// By the names in the header if the first line is one. `header` comes back false if it is a row
// already.
Layout layout_of(const GlueTask& task, const TsvReader& reader, bool need_label, bool& is_header) {
  std::vector<std::string> header;
  for (const auto field : reader.fields()) header.push_back(ascii_lower(field));
  Layout layout;
  layout.text_a = find_column(header, task.text_a);
  is_header = layout.text_a != kNone;
  double number = 0;
  const bool broken_row =
      task.skip_corrupt && parse_number(header.front(), number);  // QQP's rows begin with an id
  if (!is_header && task.headerless && (header.size() >= task.headerless->fields || broken_row)) {
    const Headerless& h = *task.headerless;
    return {h.text_a, task.info.pair ? h.text_b : kNone, h.label, h.fields, false};
  }
  const auto require = [&](size_t found, const std::vector<std::string>& names) {
    engine::check(found != kNone, reader.where(), "no column named '", names.front(), "', which ",
                  task.info.name, " needs", engine::hint("the first line has: " + listed(header)));
  };
  require(layout.text_a, task.text_a);
  layout.label = find_column(header, task.label);
  if (need_label) require(layout.label, task.label);
  if (task.info.pair) {
    layout.text_b = find_column(header, task.text_b);
    require(layout.text_b, task.text_b);
  }
  layout.fields = header.size();
  layout.exactly = true;
  return layout;
}

// A class by its name or its number, a score of STS-B. Nothing for -1, with which Hugging Face
// marks test sets.
std::optional<double> read_label(const GlueTask& task, std::string_view text,
                                 const TsvReader& reader, bool need_label) {
  double number = 0;
  const bool is_number = parse_number(text, number);
  if (is_number && number == -1 && !need_label) return std::nullopt;
  if (task.info.regression) {
    engine::check(is_number && number >= 0 && number <= 5, reader.where(), "the score is '", text,
                  "', expected a number from 0 to 5");
    return number;
  }
  if (const auto index = task.info.label_index(text)) return *index;
  for (size_t i = 0; i < task.info.labels.size(); ++i)
    if (is_number && number == static_cast<double>(i)) return number;
  engine::fail(reader.where(), "the label is '", text, "', which ", task.info.name,
               " does not have",
               engine::hint("its labels are 0 to " + std::to_string(task.info.labels.size() - 1) +
                            ", or: " + listed(task.info.labels)));
}

Split read_split(const GlueTask& task, const std::string& name, const fs::path& file) {
  Split split;
  split.name = name;
  split.file = file;
  const bool need_label = !name.starts_with("test");
  TsvReader reader(file);
  reader.next();
  bool is_header = false;
  const Layout layout = layout_of(task, reader, need_label, is_header);
  for (bool more = is_header ? reader.next() : true; more; more = reader.next()) {
    const auto& fields = reader.fields();
    if (fields.size() < layout.fields || (layout.exactly && fields.size() > layout.fields)) {
      engine::check(task.skip_corrupt, reader.where(), "has ", fields.size(), " fields, expected ",
                    layout.fields, engine::hint("fields are separated by tabs"));
      ++split.skipped;
      continue;
    }
    Example example;
    example.a = fields[layout.text_a];
    if (layout.text_b != kNone) example.b = fields[layout.text_b];
    if (layout.label != kNone)
      example.label = read_label(task, fields[layout.label], reader, need_label);
    example.id = static_cast<int64_t>(split.examples.size());
    split.examples.push_back(std::move(example));
  }
  engine::check(!split.examples.empty(), file.string(), "has no rows of ", layout.fields,
                " fields");
  return split;
}

// Microsoft's own two files of MRPC, which GLUE's archive does not contain: GLUE's dev set are the
// rows of the training file whose pair of ids is listed in dev_ids.tsv (mrpc_dev_ids.tsv), the
// others are its training set, in this order.
void read_msr_files(const GlueTask& task, const fs::path& folder, TaskData& data) {
  const fs::path train = folder / "msr_paraphrase_train.txt",
                 test = folder / "msr_paraphrase_test.txt";
  fs::path ids_file = folder / "dev_ids.tsv";
  if (!fs::exists(ids_file)) ids_file = folder / "mrpc_dev_ids.tsv";
  if (!data.has("test") && fs::exists(test)) data.splits["test"] = read_split(task, "test", test);
  if (data.has("train") || data.has("dev") || !fs::exists(train) || !fs::exists(ids_file)) return;

  std::set<std::pair<std::string, std::string>> dev_ids;
  for (TsvReader ids(ids_file); ids.next();)
    if (ids.fields().size() == 2) dev_ids.emplace(ids.fields()[0], ids.fields()[1]);
  std::vector<bool> is_dev;
  TsvReader reader(train);
  reader.next();  // Quality, #1 ID, #2 ID, #1 String, #2 String
  while (reader.next())
    is_dev.push_back(
        reader.fields().size() > 2 &&
        dev_ids.contains({std::string(reader.fields()[1]), std::string(reader.fields()[2])}));
  Split all = read_split(task, "train", train);
  for (const char* name : {"train", "dev"})
    data.splits[name] = {.name = name, .file = train, .examples = {}, .skipped = 0};
  for (size_t i = 0; i < all.examples.size(); ++i) {
    auto& to = data.splits[is_dev[i] ? "dev" : "train"].examples;
    all.examples[i].id = static_cast<int64_t>(to.size());
    to.push_back(std::move(all.examples[i]));
  }
}

// The task's folder inside `folder`, or `folder` itself.
fs::path task_folder(const GlueTask& task, const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (!entry.is_directory()) continue;
    const GlueTask* named = find_glue_entry(entry.path().filename().string());
    if (named == &task) return entry.path();
  }
  return folder;
}

// GLUE's diagnostic set, which a model of MNLI predicts for a submission: in MNLI's folder, or in
// one of its own beside it.
void read_diagnostic(const fs::path& mnli, TaskData& data) {
  const GlueTask& task = glue_entry("ax");
  for (const fs::path& folder : {mnli, task_folder(task, fs::absolute(mnli).parent_path())})
    for (const SplitFile& file : task.files)
      if (fs::exists(folder / file.file)) {
        data.splits["test_ax"] = read_split(task, "test_ax", folder / file.file);
        return;
      }
}

}  // namespace

Split read_glue_file(const TaskInfo& task, const std::string& split, const fs::path& file) {
  return read_split(glue_entry(task.key), split, file);
}

TaskData load_glue(const fs::path& folder, std::string_view name) {
  const GlueTask& task = glue_entry(name);
  engine::check(fs::is_directory(folder), folder.string(), "is not a folder",
                engine::hint("give GLUE's folder, or the folder of " + task.info.name +
                             " with its TSV files"));
  const fs::path own = task_folder(task, folder);
  TaskData data;
  data.info = task.info;
  std::vector<std::string> looked_for;
  for (const SplitFile& file : task.files) {
    looked_for.push_back(file.file);
    if (fs::exists(own / file.file))
      data.splits[file.split] = read_split(task, file.split, own / file.file);
  }
  if (task.info.key == "mrpc") read_msr_files(task, own, data);
  if (task.info.key == "mnli") read_diagnostic(own, data);
  engine::check(!data.splits.empty(), own.string(), "has no file of ", task.info.name,
                engine::hint("looked for " + listed(looked_for)));
  return data;
}

}  // namespace data
