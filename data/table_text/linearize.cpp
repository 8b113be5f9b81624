#include "data/table_text/linearize.h"

#include "data/tsv.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

std::string slot_name(const std::string& name) {
  if (name == "eatType") return "Type";
  if (name == "priceRange") return "price";
  if (name == "familyFriendly") return "family friendly";
  return name;
}

// A space behind the pound sign, and around a dash between digits.
std::string slot_value(const std::string& value) {
  std::string out;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (size_t i = 0; i < value.size(); ++i) {
    const bool between =
        i > 0 && i + 1 < value.size() && digit(value[i - 1]) && digit(value[i + 1]);
    if (value[i] == '-' && between) {
      out += " - ";
    } else {
      out += value[i];
      if (i > 0 && value.compare(i - 1, 2, "\u00A3") == 0 && i + 1 < value.size() &&
          digit(value[i + 1]))
        out += ' ';
    }
  }
  return out;
}

// Python's str.lower, for DART's relations.
std::string lower(const std::string& text) {
  std::string out;
  char32_t mapped[kMaxMapped];
  for (size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    const int count = to_lower(c, mapped);
    for (int k = 0; k < count; ++k) append_utf8(mapped[k], out);
  }
  return out;
}

}  // namespace

Linearization linearization(std::string_view name) {
  const std::string key = ascii_lower(name);
  if (key == "lora") return Linearization::lora;
  if (key == "prefix-tuning" || key == "prefix_tuning") return Linearization::prefix_tuning;
  engine::fail("linearization", "there is no form '", name, "'",
               engine::hint("there are: lora, prefix-tuning"));
}

std::string linearize(const TableEntry& entry, TableTask task, Linearization form) {
  const bool prefix = form == Linearization::prefix_tuning;
  std::string out = prefix ? " " : "";
  bool first = true;
  for (const Relation& r : entry.relations) {
    if (!first || (prefix && task == TableTask::webnlg)) out += " | ";
    first = false;
    if (task == TableTask::e2e) {
      out += slot_name(r.name) + " : " + slot_value(r.object);
    } else {
      const std::string name = task == TableTask::dart ? lower(r.name) : r.name;
      out += r.subject + " : " + name + " : " + r.object;
    }
  }
  return prefix ? out + " " : out;
}

std::string completion(std::string_view text, Linearization form) {
  const std::string own(text);
  return form == Linearization::prefix_tuning ? " " + own + " " : " " + own;
}

}  // namespace data
