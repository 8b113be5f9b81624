// Text for a language model to learn from, or to be scored on.
//
//   .txt, .xz       plain text: a paragraph a line, an empty line between documents
//   .jsonl .json    an object a row: "messages" (a chat), "prompt" and "completion", or "text"
//   .tsv .csv       the same with columns, but for chats
//
// With PairColumns, of sequences to sequences: a row is a source and a target.
#pragma once

#include <filesystem>

#include "data/own.h"
#include "data/task.h"

namespace data {

// A task of kind "lm" with this name.
TaskInfo language_info(const std::string& name, const TextRules& rules);

// The turns of {"role", "content"} objects. Throws engine::Error that begins with `where`.
std::vector<Turn> read_turns(const nlohmann::ordered_json& messages, const std::string& where);

// The columns of a source and its target: given, or guessed (source and target, document and
// summary, article and highlights, prompt and completion, ...).
struct PairColumns {
  bool pairs = false;
  std::string source, target;

  bool wanted() const { return pairs || !source.empty() || !target.empty(); }
};

// Those of a task: wanted if it is one of sequences to sequences.
PairColumns pair_columns(const TaskInfo& info);

// Reads own.train, own.dev and own.test as a task of kind "lm". Nothing is held out without a dev
// file. own.text names the column of the text; empty: "text". `pairs`: rows are sources with
// targets. Throws engine::Error with file, line and what was found.
TaskData load_language(const OwnData& own, const TextRules& rules, bool pairs = false);

// One file as a split of such a task.
Split read_language_file(const std::string& split, const std::filesystem::path& file,
                         const std::string& text_column = "", const PairColumns& pair = {});

}  // namespace data
