#include "data/table_text/outputs.h"

#include <algorithm>
#include <unordered_map>

#include "data/metrics/tokenize.h"
#include "data/tokenizer_files.h"
#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {
namespace {

namespace fs = std::filesystem;
using metrics::trim;

std::vector<std::string> read_lines(const fs::path& file) {
  std::string text = read_text(file);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  check_utf8(text, file);
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(trim(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
  engine::check(!lines.empty(), file.string(), "is empty");
  return lines;
}

bool delimited(const fs::path& file) {
  const std::string ending = ascii_lower(file.extension().string());
  return ending == ".tsv" || ending == ".csv";
}

bool holds_tables(TableTask task, const fs::path& path) {
  if (fs::is_directory(path)) return true;
  const std::string ending = ascii_lower(path.extension().string());
  if (ending == ".jsonl") return true;
  if (task != TableTask::e2e) return ending == ".xml" || ending == ".json";
  if (ending != ".txt") return delimited(path);
  const std::vector<std::string> lines = read_lines(path);
  return lines[0].find("||") != std::string::npos;
}

// E2E's outputs with their tables, in the order of the file.
struct NamedOutputs {
  std::vector<std::string> meanings, texts, where;
};

// Broken encodings that the E2E script mends.
std::string mended(std::string text) {
  for (const auto& [from, to] :
       std::initializer_list<std::pair<const char*, const char*>>{{"\u0141", "\u00A3"},
                                                                  {"\u00C2\u00A3", "\u00A3"},
                                                                  {"\u00C3\u00A9", "\u00E9"},
                                                                  {"\u00E3\u00A9", "\u00E9"}})
    text = metrics::replace_all(std::move(text), from, to);
  return text;
}

NamedOutputs read_named(const fs::path& file) {
  const Delimited table = read_delimited(file);
  const auto column = [&](bool (*names)(std::string_view), const char* what) {
    for (size_t i = 0; i < table.header.size(); ++i)
      if (names(table.header[i])) return i;
    engine::fail(file.string(), "no column names ", what,
                 engine::hint("the header has: ", listed(table.header),
                              "; the E2E script wants MR and output"));
  };
  const size_t meaning = column(names_meaning, "the table"),
               text = column(names_output, "the output");
  NamedOutputs out;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    out.meanings.push_back(mended(trim(table.rows[i][meaning])));
    out.texts.push_back(mended(trim(table.rows[i][text])));
    out.where.push_back(engine::concat(file.string(), ":", table.lines[i]));
  }
  return out;
}

// Blocks of lines, an empty line between them; one block of many lines is a line each.
std::vector<std::vector<std::string>> read_blocks(const fs::path& file) {
  std::vector<std::vector<std::string>> blocks(1);
  for (std::string& line : read_lines(file)) {
    if (line.empty()) {
      blocks.emplace_back();
    } else {
      blocks.back().push_back(std::move(line));
    }
  }
  if (blocks.back().empty()) blocks.pop_back();
  if (blocks.size() == 1) {
    std::vector<std::vector<std::string>> single;
    for (std::string& line : blocks[0]) single.push_back({std::move(line)});
    return single;
  }
  for (size_t i = 0; i < blocks.size(); ++i)
    engine::check(!blocks[i].empty(), file.string(), "block ", i + 1,
                  " of references is empty: two empty lines, or one at the beginning");
  return blocks;
}

std::vector<std::vector<std::string>> read_parallel(const std::vector<fs::path>& files) {
  std::vector<std::vector<std::string>> references;
  for (size_t k = 0; k < files.size(); ++k) {
    std::vector<std::string> lines = read_lines(files[k]);
    if (k == 0) references.resize(lines.size());
    engine::check(lines.size() == references.size(), files[k].string(), "has ", lines.size(),
                  " lines, but ", files[0].string(), " has ", references.size(),
                  engine::hint("a missing reference is an empty line, the last one too"));
    for (size_t i = 0; i < lines.size(); ++i) references[i].push_back(std::move(lines[i]));
  }
  return references;
}

void check_count(const fs::path& file, size_t lines, size_t wanted, const Outputs& out) {
  if (lines == wanted) return;
  const std::string more =
      lines < wanted && !out.tables.empty()
          ? engine::concat("; the first without one is ", out.tables[lines].where)
          : "";
  engine::fail(engine::concat(file.string(), ":", std::min(lines, wanted) + 1),
               lines < wanted ? "there is no such line: " : "a line too many: ", lines,
               " hypotheses for ", wanted, " sets of references", more,
               engine::hint("a hypothesis is a line, an empty one too"));
}

void add_tables(TableTask task, const fs::path& hypotheses, const fs::path& references,
                Outputs& out) {
  TableSet set = read_tables(task, references);
  out.notes = std::move(set.notes);
  for (const TableEntry& entry : set.entries)
    engine::check(!entry.texts.empty(), entry.where, "a table without references");
  if (!delimited(hypotheses)) {
    out.texts.hypotheses = read_lines(hypotheses);
    out.tables = std::move(set.entries);
    check_count(hypotheses, out.texts.size(), out.tables.size(), out);
  } else {
    NamedOutputs named = read_named(hypotheses);
    std::unordered_map<std::string, size_t> by_meaning;
    for (size_t i = 0; i < set.entries.size(); ++i)
      by_meaning.emplace(trim(set.entries[i].source), i);
    std::vector<bool> seen(set.entries.size(), false);
    for (size_t i = 0; i < named.texts.size(); ++i) {
      const auto found = by_meaning.find(named.meanings[i]);
      engine::check(found != by_meaning.end(), named.where[i], "no reference for the table \"",
                    named.meanings[i], "\" in ", references.string());
      seen[found->second] = true;
      out.tables.push_back(set.entries[found->second]);
    }
    const auto without = std::find(seen.begin(), seen.end(), false);
    engine::check(without == seen.end(), hypotheses.string(), "has no output for ",
                  std::count(seen.begin(), seen.end(), false), " of ", seen.size(),
                  " tables, the first is ",
                  set.entries[static_cast<size_t>(without - seen.begin()) % seen.size()].where);
    out.texts.hypotheses = std::move(named.texts);
  }
  for (const TableEntry& table : out.tables) {
    auto& own = out.texts.references.emplace_back();
    for (const std::string& text : table.references()) own.push_back(trim(text));
  }
}

}  // namespace

Outputs read_outputs(TableTask task, const fs::path& hypotheses,
                     const std::vector<fs::path>& references) {
  engine::check(!references.empty(), "score", "there are no references");
  for (const fs::path& path : references)
    engine::check(fs::exists(path), path.string(), "there is no such file or folder");
  engine::check(fs::exists(hypotheses), hypotheses.string(), "there is no such file");
  Outputs out;
  if (references.size() == 1 && holds_tables(task, references[0])) {
    add_tables(task, hypotheses, references[0], out);
  } else {
    out.texts.hypotheses =
        delimited(hypotheses) ? read_named(hypotheses).texts : read_lines(hypotheses);
    out.texts.references =
        references.size() == 1 ? read_blocks(references[0]) : read_parallel(references);
    check_count(hypotheses, out.texts.size(), out.texts.references.size(), out);
    for (size_t i = 0; i < out.texts.size(); ++i) {
      const auto& own = out.texts.references[i];
      engine::check(std::any_of(own.begin(), own.end(), [](const auto& t) { return !t.empty(); }),
                    engine::concat(references[0].string(), ":", i + 1), "line ", i + 1,
                    " is empty in every file of references");
    }
  }
  for (size_t i = 0; i < out.texts.size(); ++i)
    if (out.texts.hypotheses[i].empty())
      out.notes.push_back(engine::concat(hypotheses.string(), ": hypothesis ", i + 1,
                                         " is empty and scored as no words"));
  return out;
}

}  // namespace data
