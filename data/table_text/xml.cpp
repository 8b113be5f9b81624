// WebNLG's benchmark files, which DART's have taken over: entries of triples and lexicalisations.
#include <algorithm>
#include <pugixml.hpp>

#include "data/table_text/formats.h"
#include "data/tokenizer_files.h"
#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {
namespace {

Relation parse_triple(const std::string& text, const std::string& where) {
  const size_t first = text.find(" | ");
  const size_t second = first == std::string::npos ? first : text.find(" | ", first + 3);
  engine::check(second != std::string::npos, where,
                "expected \"subject | property | object\", found \"", text, "\"");
  Relation r{text.substr(0, first), text.substr(first + 3, second - first - 3),
             text.substr(second + 3)};
  const auto strip = [](std::string& s) {
    s.erase(0, std::min(s.find_first_not_of(" \t\r\n"), s.size()));
    s.erase(s.find_last_not_of(" \t\r\n") + 1);
  };
  strip(r.subject), strip(r.name), strip(r.object);
  return r;
}

}  // namespace

void read_table_xml(const std::filesystem::path& file, TableSet& set) {
  const std::string text = read_text(file);
  check_utf8(text, file);
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  // Line of a place in the file, counted on from the last one asked for.
  size_t counted = 0;
  int64_t line = 1;
  const auto where = [&](ptrdiff_t offset) {
    const size_t at = std::min(static_cast<size_t>(std::max<ptrdiff_t>(offset, 0)), text.size());
    if (at < counted) counted = 0, line = 1;
    line += std::count(text.begin() + static_cast<ptrdiff_t>(counted),
                       text.begin() + static_cast<ptrdiff_t>(at), '\n');
    counted = at;
    return engine::concat(file.string(), ":", line);
  };
  engine::check(parsed, where(parsed.offset), "not XML: ", parsed.description());
  const pugi::xml_node entries = document.child("benchmark").child("entries");
  engine::check(!entries.empty(), file.string(), "has no <benchmark><entries>",
                engine::hint("WebNLG 2017 and DART write their sets so"));
  for (const pugi::xml_node node : entries.children("entry")) {
    TableEntry entry;
    entry.where = where(node.offset_debug());
    entry.category = node.attribute("category").value();
    for (const pugi::xml_node triple : node.child("modifiedtripleset").children("mtriple"))
      entry.relations.push_back(parse_triple(triple.text().get(), where(triple.offset_debug())));
    for (const pugi::xml_node lex : node.children("lex")) {
      entry.texts.push_back(
          {lex.text().get(), std::string_view(lex.attribute("comment").value()) != "toFix"});
    }
    set.entries.push_back(std::move(entry));
  }
}

}  // namespace data
