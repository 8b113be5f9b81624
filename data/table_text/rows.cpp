#include "data/table_text/rows.h"

#include "data/language/rows.h"
#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {
namespace {

namespace fs = std::filesystem;

// The names of a part, the one to be taken first.
std::vector<std::string> part_names(TableTask task, const std::string& part) {
  std::vector<std::string> names;
  if (task == TableTask::e2e) {
    if (part == "train") names = {"trainset.csv", "trainset.tokenised.tsv", "src1_train.txt"};
    if (part == "dev") names = {"devset.csv", "src1_valid.txt", "valid.txt"};
    if (part == "test") names = {"testset_w_refs.csv", "testset.csv", "src1_test.txt"};
    names.push_back(part + ".txt");
    names.push_back(part + ".csv");
  } else if (task == TableTask::webnlg) {
    if (part == "test") names = {"test/testdata_with_lex.xml", "testdata_with_lex.xml"};
    names.insert(names.end(), {part, part + ".json", part + ".xml"});
  } else {
    names = {"dart-v1.1.1-full-" + part + ".json", "dart-v1.1.1-full-" + part + ".xml",
             part + ".json", part + ".xml"};
  }
  names.push_back(part + ".jsonl");
  return names;
}

std::optional<fs::path> find_part(TableTask task, const fs::path& folder, const std::string& part) {
  for (const std::string& name : part_names(task, part))
    if (fs::exists(folder / name)) return folder / name;
  return std::nullopt;
}

}  // namespace

fs::path table_part(TableTask task, const fs::path& folder, const std::string& part) {
  if (fs::is_regular_file(folder)) return folder;
  const auto found = find_part(task, folder, part);
  engine::check(found.has_value(), folder.string(), "has no ", part, " part of ",
                table_task_name(task), "; there is none of: ", listed(part_names(task, part)));
  return *found;
}

bool is_table_task(std::string_view key) {
  for (const TableTask task : {TableTask::e2e, TableTask::webnlg, TableTask::dart})
    if (key == table_task_name(task)) return true;
  return false;
}

Split read_table_rows(const TaskInfo& info, const std::string& name, const fs::path& path,
                      std::vector<std::string>& notes) {
  const TableTask task = table_task(info.key);
  const Linearization form = linearization(info.text.linearization);
  const bool only_good =
      name == "train" && task == TableTask::webnlg && form == Linearization::lora;
  const TableSet set = read_tables(task, path);
  notes.insert(notes.end(), set.notes.begin(), set.notes.end());
  Split split{.name = name, .file = path, .examples = {}, .skipped_why = "tables without a text"};
  for (const TableEntry& entry : set.entries) {
    const std::vector<std::string> texts = entry.references(only_good);
    split.skipped += texts.empty();
    for (const std::string& text : texts) {
      Example example;
      example.a = linearize(entry, task, form);
      example.b = completion(text, form);
      example.id = static_cast<int64_t>(split.examples.size());
      split.examples.push_back(std::move(example));
    }
  }
  return split;
}

TaskData load_tables(TableTask task, const OwnData& own, const fs::path& folder,
                     const TextRules& rules, std::vector<std::string>& notes) {
  TaskData data;
  const char* key = table_task_name(task);
  data.info = language_info(task == TableTask::e2e      ? "E2E"
                            : task == TableTask::webnlg ? "WebNLG"
                                                        : "DART",
                            rules);
  data.info.key = key;
  data.info.text.separator = true;
  linearization(rules.linearization);  // an unknown name is said before files are read
  engine::check(!own.train.empty() || fs::is_directory(folder), folder.string(),
                "is no folder with the parts of ", key);
  const auto part = [&](const std::string& name, const std::optional<fs::path>& given) {
    std::optional<fs::path> path = given;
    if (own.train.empty() && !path) path = find_part(task, folder, name);
    if (!path) return;
    Split split = read_table_rows(data.info, name, *path, notes);
    if (!split.examples.empty()) data.splits.emplace(name, std::move(split));
  };
  part("train", own.train.empty() ? std::nullopt : std::optional(own.train));
  part("dev", own.dev);
  part("test", own.test);
  engine::check(data.has("train"), folder.string(),
                "has no texts to train on; there is none of: ", listed(part_names(task, "train")),
                engine::hint("give files with --train and --dev instead of --data"));
  return data;
}

}  // namespace data
