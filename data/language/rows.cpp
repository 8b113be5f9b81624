#include "data/language/rows.h"

#include <algorithm>
#include <fstream>

#include "data/rows.h"
#include "data/text_source.h"
#include "data/tsv.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

using engine::check;
using engine::concat;
using engine::fail;
using engine::hint;
using OrderedJson = nlohmann::ordered_json;

bool is_plain_text(const std::filesystem::path& file) {
  const std::string ending = ascii_lower(file.extension().string());
  return ending == ".txt" || ending == ".xz";
}

void read_documents(const std::filesystem::path& file, std::vector<Example>& examples) {
  TextSource source(file);
  std::string line;
  Example document;
  int64_t number = 0;
  const auto finish = [&] {
    if (document.a.empty()) return;
    document.document = true;
    document.id = static_cast<int64_t>(examples.size());
    examples.push_back(std::move(document));
    document = {};
  };
  while (source.line(line)) {
    ++number;
    if (line.find_first_not_of(" \t") == std::string::npos) {
      finish();
      continue;
    }
    if (!is_utf8(line)) line = to_utf8(line);
    if (document.a.empty())
      document.line = number;
    else
      document.a += '\n';
    document.a += line;
  }
  finish();
}

class LanguageRows {
 public:
  LanguageRows(const RowReader& rows, const std::string& text_column, const PairColumns& pair)
      : rows_(rows),
        text_(text_column.empty() ? "text" : text_column),
        named_(!text_column.empty()),
        pair_(pair) {}

  Example read(const Row& row) const {
    const std::string where = rows_.where(row);
    Example example;
    example.line = row.line;
    if (pair_.wanted()) {
      const auto [source, target] = pair_columns(row, where);
      example.a = cell(row, source);
      example.b = cell(row, target);
      check(!example.a.empty(), where, "the source ('", source, "') is empty");
      check(!example.b.empty(), where, "the target ('", target, "') is empty");
    } else if (!named_ && row.object.is_object() && row.object.contains("messages")) {
      example.turns = read_turns(row.object["messages"], where);
      check(std::any_of(example.turns.begin(), example.turns.end(),
                        [](const Turn& turn) { return turn.role == "assistant"; }),
            where, "the chat has no turn of the assistant: there is nothing to learn from it");
    } else if (!named_ && has(row, "prompt") && has(row, "completion")) {
      example.a = cell(row, "prompt");
      example.b = cell(row, "completion");
      check(!example.a.empty(), where, "the prompt is empty",
            hint("a text without a prompt is {\"text\": \"...\"}"));
      check(!example.b.empty(), where, "the completion is empty");
    } else {
      check(has(row, text_), where, "has no '", text_, "'",
            hint("a row has \"text\", or \"prompt\" and \"completion\", or \"messages\"; columns "
                 "here are: ",
                 listed(rows_.columns())));
      example.a = cell(row, text_);
      check(!example.a.empty(), where, "the text is empty");
    }
    return example;
  }

 private:
  // Source and target of a row: as they are named, else by the names that data sets have.
  std::pair<std::string, std::string> pair_columns(const Row& row, const std::string& where) const {
    static const std::vector<std::pair<std::string, std::string>> usual = {
        {"source", "target"},    {"document", "summary"}, {"article", "highlights"},
        {"dialogue", "summary"}, {"text", "summary"},     {"prompt", "completion"},
        {"input", "output"}};
    for (const auto& [source, target] : usual) {
      const std::string& a = pair_.source.empty() ? source : pair_.source;
      const std::string& b = pair_.target.empty() ? target : pair_.target;
      if (has(row, a) && has(row, b)) return {a, b};
    }
    fail(where, "has no source and target",
         hint("name them with --source and --target; columns here are: ", listed(rows_.columns())));
  }
  bool has(const Row& row, const std::string& name) const {
    return row.object.is_object() ? row.object.contains(name) : rows_.find(name).has_value();
  }
  std::string cell(const Row& row, const std::string& name) const {
    if (!row.object.is_object()) return rows_.text(row, *rows_.find(name));
    const OrderedJson& value = row.object[name];
    check(value.is_string(), rows_.where(row), "'", name, "' is ", value.type_name(),
          ", where text is expected");
    return value.get<std::string>();
  }

  const RowReader& rows_;
  std::string text_;
  bool named_;
  const PairColumns& pair_;
};

}  // namespace

std::vector<Turn> read_turns(const OrderedJson& messages, const std::string& where) {
  check(messages.is_array() && !messages.empty(), where,
        "'messages' should be a list of {\"role\": ..., \"content\": ...}");
  std::vector<Turn> turns;
  for (const OrderedJson& message : messages) {
    check(message.is_object() && message.contains("role") && message["role"].is_string(), where,
          "turn ", turns.size() + 1, " of the chat has no 'role'",
          hint("a turn is {\"role\": \"user\", \"content\": \"...\"}"));
    Turn turn;
    turn.role = message["role"].get<std::string>();
    check(turn.role == "system" || turn.role == "user" || turn.role == "assistant", where, "turn ",
          turns.size() + 1, " of the chat has the role '", turn.role, "'",
          hint("known are system, user and assistant"));
    for (const char* key : {"tool_calls", "reasoning_content", "thinking"})
      check(!message.contains(key) || message[key].is_null(), where, "turn ", turns.size() + 1,
            " of the chat has '", key, "', which is not written here");
    check(message.contains("content") && message["content"].is_string(), where, "turn ",
          turns.size() + 1, " of the chat has no text as its 'content'");
    turn.content = message["content"].get<std::string>();
    turns.push_back(std::move(turn));
  }
  return turns;
}

Split read_language_file(const std::string& name, const std::filesystem::path& file,
                         const std::string& text_column, const PairColumns& pair) {
  Split split{.name = name, .file = file, .examples = {}};
  if (is_plain_text(file)) {
    check(!pair.wanted(), file.string(), "is plain text, where rows have a source and a target",
          hint("JSONL, CSV or TSV with two columns"));
    read_documents(file, split.examples);
  } else {
    std::ifstream in(file, std::ios::binary);
    check(in.good() && !std::filesystem::is_directory(file), file.string(), "cannot be opened");
    const auto rows = open_rows(in, format_of(file), file.string());
    const LanguageRows reader(*rows, text_column, pair);
    for (Row row; rows->next(row); row = {}) {
      split.examples.push_back(reader.read(row));
      split.examples.back().id = static_cast<int64_t>(split.examples.size()) - 1;
    }
  }
  check(!split.examples.empty(), file.string(), "has no text");
  return split;
}

TaskInfo language_info(const std::string& name, const TextRules& rules) {
  return {.key = "lm",
          .name = name,
          .kind = "lm",
          .labels = {},
          .metrics = {"perplexity", "bits_per_byte"},
          .text = rules};
}

PairColumns pair_columns(const TaskInfo& info) {
  return {info.key == "seq2seq", info.text.source, info.text.target};
}

TaskData load_language(const OwnData& own, const TextRules& rules, bool pairs) {
  TaskData data;
  data.info = language_info(own.train.stem().string(), rules);
  data.columns.text = own.text;
  if (pairs) data.info.key = "seq2seq";
  const PairColumns columns = pair_columns(data.info);
  const auto read = [&](const char* name, const std::filesystem::path& file) {
    data.splits[name] = read_language_file(name, file, own.text, columns);
  };
  read("train", own.train);
  if (own.dev) read("dev", *own.dev);
  if (own.test) read("test", *own.test);
  return data;
}

}  // namespace data
