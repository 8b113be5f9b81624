#include "data/glue_table.h"

#include <algorithm>

#include "data/glue.h"
#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Names = std::vector<std::string>;

const Names kSentence1 = {"sentence1", "premise"};
const Names kSentence2 = {"sentence2", "hypothesis"};
// Hugging Face's order; its old processor had contradiction, entailment, neutral, and so have
// models of that time.
const Names kInference = {"entailment", "neutral", "contradiction"};

std::vector<SplitFile> usual_files(const std::string& name) {
  return {{"train", "train.tsv", ""}, {"dev", "dev.tsv", ""}, {"test", "test.tsv", name + ".tsv"}};
}

TaskInfo classes(const char* key, const char* name, bool pair, Names labels, Names metrics) {
  return {.key = key,
          .name = name,
          .pair = pair,
          .regression = false,
          .labels = std::move(labels),
          .metrics = std::move(metrics)};
}

std::vector<GlueTask> make_table() {
  std::vector<GlueTask> table;
  // Acceptability: train and dev come without a header: source, label, the linguist's mark,
  // sentence.
  table.push_back(
      {.info = classes("cola", "CoLA", false, {"unacceptable", "acceptable"}, {"matthews"}),
       .aliases = {},
       .text_a = {"sentence"},
       .text_b = {},
       .label = {"label"},
       .files = usual_files("CoLA"),
       .headerless = Headerless{3, 0, 1, 4}});
  // Sentiment: already tokenised and lower-cased, with a trailing space; the training set has
  // phrases, too.
  table.push_back({.info = classes("sst2", "SST-2", false, {"negative", "positive"}, {"accuracy"}),
                   .aliases = {"sst"},
                   .text_a = {"sentence"},
                   .text_b = {},
                   .label = {"label"},
                   .files = usual_files("SST-2")});
  // Paraphrase: a byte order mark, unbalanced quotation marks; may come as Microsoft's two text
  // files (glue_files.cpp).
  table.push_back(
      {.info = classes("mrpc", "MRPC", true, {"not_equivalent", "equivalent"}, {"accuracy", "f1"}),
       .aliases = {},
       .text_a = {"#1 string", "sentence1"},
       .text_b = {"#2 string", "sentence2"},
       .label = {"quality", "label"},
       .files = usual_files("MRPC")});
  // Similarity from 0 to 5. Without a header: the original files of the shared task, which may have
  // two more fields.
  table.push_back({.info = {.key = "stsb",
                            .name = "STS-B",
                            .kind = "regress",
                            .pair = true,
                            .regression = true,
                            .labels = {},
                            .metrics = {"pearson", "spearman"}},
                   .aliases = {"sts"},
                   .text_a = kSentence1,
                   .text_b = kSentence2,
                   .label = {"score", "label"},
                   .files = usual_files("STS-B"),
                   .headerless = Headerless{5, 6, 4, 7}});
  // Duplicate questions: a few rows of some copies are broken in two by line breaks.
  table.push_back(
      {.info = classes("qqp", "QQP", true, {"not_duplicate", "duplicate"}, {"accuracy", "f1"}),
       .aliases = {},
       .text_a = {"question1"},
       .text_b = {"question2"},
       .label = {"is_duplicate", "label"},
       .files = usual_files("QQP"),
       .headerless = Headerless{3, 4, 5, 6},
       .skip_corrupt = true});
  table.push_back({.info = classes("mnli", "MNLI", true, kInference, {"accuracy"}),
                   .aliases = {"mnlim", "mnlimm", "mnlimatched", "mnlimismatched"},
                   .text_a = kSentence1,
                   .text_b = kSentence2,
                   .label = {"gold_label", "label"},
                   .files = {{"train", "train.tsv", ""},
                             {"dev_matched", "dev_matched.tsv", ""},
                             {"dev_mismatched", "dev_mismatched.tsv", ""},
                             {"test_matched", "test_matched.tsv", "MNLI-m.tsv"},
                             {"test_mismatched", "test_mismatched.tsv", "MNLI-mm.tsv"}},
                   .submit_words = true});
  table.push_back(
      {.info = classes("qnli", "QNLI", true, {"entailment", "not_entailment"}, {"accuracy"}),
       .aliases = {"qnliv2"},
       .text_a = {"question", "sentence1"},
       .text_b = {"sentence", "sentence2"},
       .label = {"label"},
       .files = usual_files("QNLI"),
       .submit_words = true});
  table.push_back(
      {.info = classes("rte", "RTE", true, {"entailment", "not_entailment"}, {"accuracy"}),
       .aliases = {},
       .text_a = kSentence1,
       .text_b = kSentence2,
       .label = {"label"},
       .files = usual_files("RTE"),
       .submit_words = true});
  // Pronouns: the dev set shares sentences with the training set under the opposite label.
  table.push_back(
      {.info = classes("wnli", "WNLI", true, {"not_entailment", "entailment"}, {"accuracy"}),
       .aliases = {},
       .text_a = kSentence1,
       .text_b = kSentence2,
       .label = {"label"},
       .files = usual_files("WNLI")});
  // The diagnostic set: a test set only, for a model trained on MNLI.
  table.push_back({.info = classes("ax", "AX", true, kInference, {"matthews"}),
                   .aliases = {"diagnostic", "diagnostics", "axb"},
                   .text_a = kSentence1,
                   .text_b = kSentence2,
                   .label = {"label"},
                   .files = {{"test", "diagnostic.tsv", "AX.tsv"}},
                   .submit_words = true});
  return table;
}

}  // namespace

const std::vector<GlueTask>& glue_table() {
  static const std::vector<GlueTask> table = make_table();
  return table;
}

std::string glue_spelling(std::string_view name) {
  std::string lower = ascii_lower(name);
  std::erase_if(lower, [](char c) { return c == '-' || c == '_' || c == ' '; });
  return lower;
}

const GlueTask* find_glue_entry(std::string_view name) {
  const std::string wanted = glue_spelling(name);
  for (const GlueTask& task : glue_table()) {
    const bool alias =
        std::find(task.aliases.begin(), task.aliases.end(), wanted) != task.aliases.end();
    if (alias || wanted == task.info.key) return &task;
  }
  return nullptr;
}

const GlueTask& glue_entry(std::string_view name) {
  if (const GlueTask* task = find_glue_entry(name)) return *task;
  engine::fail("glue", "there is no task '", name, "'",
               engine::hint("the tasks are: " + listed(glue_tasks())));
}

std::vector<std::string> glue_tasks() {
  std::vector<std::string> keys;
  for (const GlueTask& task : glue_table()) keys.push_back(task.info.key);
  return keys;
}

TaskInfo glue_task(std::string_view name) { return glue_entry(name).info; }
bool is_glue_task(std::string_view name) { return find_glue_entry(name) != nullptr; }

std::vector<std::string> glue_splits(const TaskInfo& task) {
  std::vector<std::string> names;
  for (const SplitFile& file : glue_entry(task.key).files) names.push_back(file.split);
  return names;
}

std::vector<std::string> glue_dev_splits(const TaskInfo& task) {
  std::vector<std::string> names = glue_splits(task);
  std::erase_if(names, [](const std::string& name) { return !name.starts_with("dev"); });
  return names;
}

}  // namespace data
