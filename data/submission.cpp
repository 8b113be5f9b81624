#include <algorithm>
#include <cmath>
#include <cstdio>

#include "data/glue.h"
#include "data/glue_table.h"
#include "data/tokenizer_files.h"
#include "engine/base/error.h"

namespace data {

std::string submission_file(const TaskInfo& task, const std::string& split) {
  if (task.key == "mnli" && split == "test_ax") return "AX.tsv";
  for (const SplitFile& file : glue_entry(task.key).files)
    if (file.split == split && !file.submission.empty()) return file.submission;
  engine::fail(task.name, "the split '", split, "' is not submitted to GLUE",
               engine::hint("only test sets are"));
}

void write_submission(const std::filesystem::path& file, const TaskInfo& task,
                      std::span<const double> predictions) {
  const GlueTask& entry = glue_entry(task.key);
  std::string text = "index\tprediction\n";
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double p = predictions[i];
    engine::check(std::isfinite(p), task.name, "prediction ", i, " is not a finite number");
    text += std::to_string(i) + '\t';
    if (task.regression) {
      char score[32];
      std::snprintf(score, sizeof score, "%.6f", std::clamp(p, 0.0, 5.0));
      text += score;
    } else {
      engine::check(p == std::floor(p), task.name, "prediction ", i, " is ", p,
                    ", expected a class");
      const std::string& word =
          task.label_name(static_cast<int64_t>(p));  // throws if it is no class
      text += entry.submit_words ? word : std::to_string(static_cast<int64_t>(p));
    }
    text += '\n';
  }
  write_text(file, text);
}

}  // namespace data
