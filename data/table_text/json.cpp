#include <nlohmann/json.hpp>

#include "data/table_text/formats.h"
#include "data/tokenizer_files.h"
#include "data/tsv.h"
#include "engine/base/error.h"
#include "engine/io/json_parse.h"

namespace data {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& value, const char* what, const std::string& where) {
  engine::check(value.is_string(), where, what, " should be text, found ", value.dump());
  return value.get<std::string>();
}

const Json& field(const Json& object, const char* key, const std::string& where) {
  engine::check(object.is_object() && object.contains(key), where, "has no \"", key, "\"");
  return object.at(key);
}

// ["s", "p", "o"] or {"subject": "s", "property": "p", "object": "o"}.
Relation relation(const Json& value, const std::string& where) {
  if (value.is_object())
    return {text_of(field(value, "subject", where), "a subject", where),
            text_of(field(value, "property", where), "a property", where),
            text_of(field(value, "object", where), "an object", where)};
  engine::check(value.is_array() && value.size() == 3, where,
                "expected [subject, relation, object], found ", value.dump());
  return {text_of(value[0], "a subject", where), text_of(value[1], "a relation", where),
          text_of(value[2], "an object", where)};
}

std::vector<Relation> relations(const Json& value, const std::string& where) {
  engine::check(value.is_array(), where, "expected an array of triples, found ", value.dump());
  std::vector<Relation> out;
  for (const Json& item : value) out.push_back(relation(item, where));
  return out;
}

// The repository of WebNLG: {"entries": [{"1": {...}}, ...]}.
TableEntry webnlg_entry(const Json& holder, const std::string& where) {
  engine::check(holder.is_object() && holder.size() == 1, where, "expected an object of one entry");
  const Json& value = holder.begin().value();
  TableEntry entry;
  entry.where = where;
  entry.category = text_of(field(value, "category", where), "the category", where);
  entry.relations = relations(field(value, "modifiedtripleset", where), where);
  for (const Json& lex : field(value, "lexicalisations", where))
    entry.texts.push_back({text_of(field(lex, "lex", where), "a lexicalisation", where),
                           lex.value("comment", std::string("good")) == "good"});
  return entry;
}

TableEntry dart_entry(const Json& value, const std::string& where) {
  TableEntry entry;
  entry.where = where;
  entry.relations = relations(field(value, "tripleset", where), where);
  if (value.contains("annotations"))
    for (const Json& annotation : value.at("annotations"))
      entry.texts.push_back({text_of(field(annotation, "text", where), "a text", where)});
  return entry;
}

TableEntry own_entry(const Json& value, const std::string& where) {
  engine::check(value.is_object(), where, "expected an object, found ", value.dump());
  TableEntry entry;
  entry.where = where;
  engine::check(value.contains("triples") != value.contains("mr"), where, "has no table, or two",
                engine::hint("give either \"triples\": [[\"s\", \"p\", \"o\"], ...] or \"mr\": "
                             "\"name[X], ...\""));
  if (value.contains("mr")) {
    entry.source = text_of(value.at("mr"), "\"mr\"", where);
    entry.relations = parse_meaning(entry.source, where);
  } else {
    entry.relations = relations(value.at("triples"), where);
  }
  if (value.contains("category"))
    entry.category = text_of(value.at("category"), "\"category\"", where);
  if (value.contains("text")) entry.texts.push_back({text_of(value.at("text"), "\"text\"", where)});
  if (value.contains("references")) {
    engine::check(value.at("references").is_array(), where, "\"references\" should be an array");
    for (const Json& text : value.at("references"))
      entry.texts.push_back({text_of(text, "a reference", where)});
  }
  return entry;
}

}  // namespace

void read_table_json(const std::filesystem::path& file, TableSet& set) {
  const Json document = read_json(file);
  const bool webnlg = document.is_object() && document.contains("entries");
  engine::check(webnlg || document.is_array(), file.string(),
                "is neither WebNLG's {\"entries\": [...]} nor DART's array of entries");
  int64_t number = 0;
  for (const Json& item : webnlg ? document.at("entries") : document) {
    const std::string where = engine::concat(file.string(), ": entry ", ++number);
    set.entries.push_back(webnlg ? webnlg_entry(item, where) : dart_entry(item, where));
  }
}

void read_table_jsonl(const std::filesystem::path& file, TableSet& set) {
  std::string text = read_text(file);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  check_utf8(text, file);
  int64_t line = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content(text.data() + begin, end - begin);
    begin = end + 1;
    const std::string where = engine::concat(file.string(), ":", ++line);
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    set.entries.push_back(
        own_entry(engine::json_detail::parse_unique<Json>(content, where), where));
  }
}

}  // namespace data
