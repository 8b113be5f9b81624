// Tables as prompts and their texts as completions, for a language model to learn.
#pragma once

#include "data/own.h"
#include "data/table_text/linearize.h"
#include "data/table_text/table_text.h"
#include "data/task.h"

namespace data {

// own.train, own.dev and own.test, or, where own.train is empty, the parts of `folder` under the
// names that the sets come with (E2E's trainset.csv, WebNLG's train/, DART's ...-train.json; or
// train.jsonl). A row is a table with one of its texts; in LoRA's form of WebNLG only texts that
// are marked good train. The end token stands between both, as in both papers. Notes of the readers
// are added to `notes`. Throws engine::Error that says which names were looked for.
TaskData load_tables(TableTask task, const OwnData& own, const std::filesystem::path& folder,
                     const TextRules& rules, std::vector<std::string>& notes);

// One file or folder as a split of such a task; tables without a text are left out and counted.
Split read_table_rows(const TaskInfo& info, const std::string& split,
                      const std::filesystem::path& path, std::vector<std::string>& notes);

// The file or folder of a part ("train", "dev", "test") of a set that lies in `folder`, by those
// names; a file is taken as it is. Throws engine::Error that lists them.
std::filesystem::path table_part(TableTask task, const std::filesystem::path& folder,
                                 const std::string& part);

// Whether `key` is a table's task: "e2e", "webnlg", "dart".
bool is_table_task(std::string_view key);

}  // namespace data
