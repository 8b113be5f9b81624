// GLUE: the nine tasks and the diagnostic set AX, in one table, and its official files.
//
// Source: the official archives, and for the order of labels Hugging Face's datasets (glue.py). The
// files are not CSV: they are split at tabs only and a quotation mark is a letter like any other
// (see data/tsv.h).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/task.h"

namespace data {

// Keys of all tasks in GLUE's order: cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte, wnli, ax.
std::vector<std::string> glue_tasks();

// Accepts any spelling that is in use, whatever the case: "SST-2", "sst2", "sst_2", "STS-B",
// "stsb", "MNLI-m", "diagnostic". Throws engine::Error that lists the tasks if there is no such
// task.
TaskInfo glue_task(std::string_view name);
bool is_glue_task(std::string_view name);

// Names of the splits of a task in the order train, dev, test: {"train", "dev_matched",
// "dev_mismatched", ...} for MNLI.
std::vector<std::string> glue_splits(const TaskInfo& task);
// The splits to select and to report on: {"dev"}, {"dev_matched", "dev_mismatched"} for MNLI, {}
// for AX.
std::vector<std::string> glue_dev_splits(const TaskInfo& task);

// Reads every split that lies in `folder`, which is either the task's own folder or the one above
// it that holds a folder a task ("SST-2", "sst2", ...). A missing file is an absent split. Throws
// engine::Error if no split is there at all, or if a file is not what the task's files are (with
// file, line and what was found).
TaskData load_glue(const std::filesystem::path& folder, std::string_view task);

// Reads one file as `split` of a task, whatever the file's name.
Split read_glue_file(const TaskInfo& task, const std::string& split,
                     const std::filesystem::path& file);

// Name of the file that GLUE's server expects for a split: "SST-2.tsv", "MNLI-m.tsv",
// "MNLI-mm.tsv", "AX.tsv".
std::string submission_file(const TaskInfo& task, const std::string& split);

// Writes header "index<TAB>prediction" and a row a prediction, index from 0. A prediction is a
// class index, written as the word or digit that the server expects; for STS-B it is a score,
// clipped to [0, 5] as the server's own baselines do. Throws engine::Error if a prediction is no
// class of the task (or not finite), or the file cannot be written.
void write_submission(const std::filesystem::path& file, const TaskInfo& task,
                      std::span<const double> predictions);

}  // namespace data
