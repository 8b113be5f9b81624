// What a task is and what its examples are, whether the task is one of GLUE's or a person's own
// data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace data {

// Of a language model's task: how a row is written, and what is learned of it.
struct TextRules {
  bool all = false;           // learn every token, not only completions and the assistant's turns
  std::string chat_format;    // chat_formats(); empty: the form that the tokenizer brings
  std::string cut = "right";  // the side on which what is too long is cut: right, left
  bool separator = false;     // the end token also stands between a prompt and its completion
  int32_t end = -1;           // id behind every text; -1: none
  std::string linearization = "lora";  // of tables (data/table_text)

  // Of an encoder-decoder: a row is a source that is read and a target that is written.
  bool encoder = false;
  int32_t start = -1;          // the id that every output begins with; -1: its own last id (mBART)
  int max_target_length = 0;   // tokens of a target; 0: no limit
  std::string source, target;  // their columns in own data; empty: guessed
  std::string source_prefix;   // text in front of every source: "summarize: "
};

struct TaskInfo {
  std::string key;   // lower-case, as Hugging Face spells it: "cola", "sst2", "stsb", "mnli", ...;
                     // "own" for own data
  std::string name;  // as GLUE spells it: "CoLA", "SST-2", "STS-B", "MNLI"
  std::string kind = "classify";  // of tasks/: "classify", "regress", "multilabel", "tag", "lm"
  bool pair = false;              // two texts an example
  bool regression = false;        // the label is a number; otherwise it is an index into `labels`
  std::vector<std::string>
      labels;  // class names in the order of Hugging Face's datasets; empty for a regression
  std::vector<std::string>
      metrics;  // names that engine::metric knows; the task's score is their mean

  TextRules text = {};  // of kind "lm"

  // The width of the head: 1 for a regression, else the number of classes.
  int outputs() const { return regression ? 1 : static_cast<int>(labels.size()); }
  // Name of a class. Throws engine::Error if the index is not a class, or for a regression.
  const std::string& label_name(int64_t index) const;
  // Index of a class by its name; nullopt if the task has no such class.
  std::optional<int> label_index(std::string_view label) const;

  // Kept with a run, so that a model can be used without its training data. from_json throws
  // engine::Error if a field is missing or has another type than to_json writes.
  nlohmann::ordered_json to_json() const;
  static TaskInfo from_json(const nlohmann::ordered_json& json);
};

struct Turn {
  std::string role, content;  // "system", "user" or "assistant"
};

struct Example {
  std::string a;                // of a language model: a text, or the prompt of `b`
  std::string b;                // empty for a single text
  std::optional<double> label;  // class index, or the target of a regression; none in a test set
  std::vector<int32_t> labels = {};  // several classes, or the tag of each word; `label` is then 0
  std::vector<std::string> words = {};  // of a tagged sentence, instead of a text
  std::vector<Turn> turns = {};         // of a chat, instead of texts
  bool document = false;                // of plain text: in training its neighbours share rows
  int64_t line = 0;                     // of the file, from 1, where messages need it
  int64_t id =
      0;  // row number in the file, from 0, corrupt rows not counted: the index of a submission
};

struct Split {
  std::string
      name;  // "train", "dev", "test"; MNLI: "dev_matched", "dev_mismatched", "test_matched", ...
  std::filesystem::path file;  // where the rows were read from
  std::vector<Example> examples;
  int64_t skipped = 0;                       // rows left out ...
  std::string skipped_why = "corrupt rows";  // ... and what they are

  bool labelled() const { return !examples.empty() && examples.front().label.has_value(); }
};

// Names of the columns in use, of own data; text_b is empty for single texts.
struct ColumnNames {
  std::string text, text_b, label;
};

struct TaskData {
  TaskInfo info;
  ColumnNames columns;
  std::map<std::string, Split> splits;  // the splits whose file exists

  bool has(const std::string& split) const { return splits.contains(split); }
  // Throws engine::Error that says which splits there are, if this one is absent.
  const Split& split(const std::string& split_name) const;
};

}  // namespace data
