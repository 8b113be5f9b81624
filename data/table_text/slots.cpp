#include "data/table_text/slots.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <deque>
#include <optional>

#include "data/metrics/tokenize.h"
#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {
namespace {

using metrics::replace_all;

// Values that mean the same ("cheap" and "less than £20") share a class; a class has one pattern.
struct Class {
  const char* slot;
  std::vector<const char*> values;
  const char* pattern;
  bool common;  // said of any restaurant, so that it is no invention
};

#define BEFORE_RATING \
  "(?:customer |overall |service )*(?:rating|rated|ratings|review|reviews|score)"
// What may stand between a noun and its value; "and a high customer rating" may not.
#define AFTER_RATING \
  "(?:rating|rated|ratings|reviews?|score)(?: (?:is|are|was|of|as|being|at|a|an|very|from)){0,3} "
#define AFTER_PRICE \
  "pric\\w*(?: (?:range|ranges|bracket|category|point|is|are|of|in|the|being|very)){0,4} "

const std::vector<Class>& classes() {
  static const std::vector<Class> table = {
      {"eatType", {"pub"}, "\\bpubs?\\b", false},
      {"eatType", {"coffee shop"}, "\\bcoffee ?(?:shop|house|place|bar)|\\bcafe\\b", false},
      {"eatType", {"restaurant"}, "\\brestaurants?\\b|\\bdiner\\b", true},
      {"food", {"Chinese"}, "\\bchinese\\b", false},
      {"food", {"English"}, "\\benglish\\b|\\bbritish\\b", false},
      {"food", {"Fast food"}, "\\bfast ?food\\b", false},
      {"food", {"French"}, "\\bfrench\\b", false},
      {"food", {"Indian"}, "\\bindian\\b", false},
      {"food", {"Italian"}, "\\bitalian\\b", false},
      {"food", {"Japanese"}, "\\bjapanese\\b|\\bsushi\\b", false},
      {"priceRange",
       {"cheap", "less than £20"},
       "\\bcheap|\\binexpensive|\\blow(?:er)?(?: end)? (?:pric|cost)|\\baffordabl|\\bbudget"
       "|" AFTER_PRICE "low\\b|\\bl20 or less|(?:less|lower|cheaper) than "
       "l?20|(?:under|below|up to|"
       "within|max\\w* of) l?20",
       false},
      {"priceRange",
       {"moderate", "£20-25"},
       "\\bmoderate|\\breasonabl|\\b(?:average|mid|medium)(?: range)? ?pric|" AFTER_PRICE
       "(?:average|moderate)|l?20 (?:to |and |through |or )?l?25|\\bmid range",
       false},
      {"priceRange",
       {"high", "more than £30"},
       "\\bhigh(?:er|ly)?(?: end)? "
       "(?:pric|cost)|\\bexpensive|\\bpric[e]?y\\b|\\bcostly|\\bupscale|" AFTER_PRICE
       "high|(?:more|higher|greater|above) (?:than )?l?30|(?:over|upwards "
       "of|at "
       "least|from|exceed\\w*) l?30|l30 (?:or more|and up|plus)|\\bhigh end",
       false},
      {"customer rating",
       {"low", "1 out of 5"},
       "\\b(?:low|lowly|poor|poorly|bad|1|one)(?: star)? " BEFORE_RATING "|" AFTER_RATING
       "(?:low|poor|bad)\\b|\\b(?:1|one) ?(?:out of|of|/) ?(?:5|five)|\\b(?:1|one) stars?\\b",
       false},
      {"customer rating",
       {"average", "3 out of 5"},
       "\\b(?:average|decent|mediocre|moderate|ok|okay|3|three)(?: star)? " BEFORE_RATING
       "|" AFTER_RATING "(?:average|decent|mediocre)\\b|\\b(?:3|three) ?(?:out of|of|/) "
       "?(?:5|five)|\\b(?:3|three) stars?\\b",
       false},
      {"customer rating",
       {"high", "5 out of 5"},
       "\\b(?:high|highly|excellent|great|good|top|well|5|five)(?: star)? " BEFORE_RATING
       "|" AFTER_RATING "(?:high|excellent|great)\\b|\\b(?:5|five) ?(?:out of|of|/) "
       "?(?:5|five)|\\b(?:5|five) stars?\\b",
       false},
      {"area",
       {"city centre"},
       "\\b(?:city|town) cent(?:re|er)|\\bcent(?:re|er) of (?:the )?(?:city|town)|\\bheart of the "
       "city|"
       "\\bdowntown|\\bin the cent(?:re|er)|\\bcity area",
       false},
      {"area",
       {"riverside"},
       "\\briver ?side|\\b(?:by|near|along|on|beside|to|at|of|overlooking) (?:the )?(?:banks? of "
       "the )?river\\b",
       false},
  };
  return table;
}

// Lower case, one kind of spelling ("l20" for "£ 20"), only words and full stops.
std::string plain(std::string_view text) {
  std::string t = metrics::lower_unicode(text);
  for (const auto& [from, to] : std::initializer_list<std::pair<const char*, const char*>>{
           {"\u00A3 ", "l"}, {"\u00A3", "l"}, {"\u00E9", "e"}, {"\u2019", "'"}, {"\u2013", " "}})
    t = replace_all(std::move(t), from, to);
  for (char& c : t)
    if (static_cast<unsigned char>(c) < 0x80 && !std::isalnum(static_cast<unsigned char>(c)) &&
        c != '\'' && c != '/' && c != '.')
      c = ' ';
  std::string joined;
  for (const std::string& word : metrics::split_ascii(t)) joined += " " + word;
  return joined + " ";
}

bool found(const std::string& text, const re2::RE2& pattern) {
  return re2::RE2::PartialMatch(text, pattern);
}

// Whether the text calls the place fit for families: yes, no, or nothing of it.
std::optional<bool> family_friendly(const std::string& text) {
  static const re2::RE2 mention("\\b(?:famil(?:y|ies)|kids?|child(?:ren)?)\\b");
  static const re2::RE2 against(
      "(?:\\b(?:not|no|non|never|without|avoid\\w*|unsuitable|dislike\\w*|isn't|doesn't|don't|aren'"
      "t|isnt|"
      "prohibit\\w*|discourag\\w*)\\b|n't\\b)[^.]{0,60}\\b(?:famil(?:y|ies)|kids?|child(?:ren)?)"
      "\\b|"
      "\\b(?:famil(?:y|ies)|kids?|child(?:ren)?)\\b[^.]{0,30}\\b(?:unfriendly|not|unwelcome|no|"
      "prohibited|aren't|isn't|free)\\b");
  static const re2::RE2 adults(
      "\\badults? (?:only|oriented|establishment|venue)\\b|\\badults only|\\bonly adults");
  if (found(text, adults)) return false;
  if (!found(text, mention)) return std::nullopt;
  return !found(text, against);
}

class Checker {
 public:
  Checker() {
    for (const Class& c : classes()) patterns_.emplace_back(c.pattern);
  }

  void check(size_t example, const TableEntry& table, const std::string& own, SlotErrors& errors) {
    std::string text = plain(own);
    std::vector<bool> asked(patterns_.size(), false);
    const auto missing = [&](const Relation& r) {
      ++errors.missing;
      errors.cases.push_back({example, r, true});
    };
    const auto invented = [&](Relation r) {
      ++errors.invented;
      errors.cases.push_back({example, std::move(r), false});
    };
    // Names first, and out of the text: "Café Rouge" is no coffee shop.
    for (const Relation& r : table.relations) {
      if (r.name != "name" && r.name != "near") continue;
      ++errors.slots;
      const std::string name = plain(r.object);
      const std::string bare = name.starts_with(" the ") ? name.substr(4) : name;
      const size_t at = find_name(text, bare);
      if (at == std::string::npos) {
        missing(r);
      } else {
        for (size_t next = at; next != std::string::npos; next = find_name(text, bare))
          text.replace(next, bare.size() - 1, " xname");
      }
    }
    std::optional<bool> wanted_family;
    for (const Relation& r : table.relations) {
      if (r.name == "name" || r.name == "near") continue;
      if (r.name == "familyFriendly") {
        ++errors.slots;
        wanted_family = ascii_lower(r.object) == "yes";
        const auto said = family_friendly(text);
        if (!said) missing(r);
        if (said && *said != *wanted_family) {
          missing(r);
          invented({"", "familyFriendly", *said ? "yes" : "no"});
        }
        continue;
      }
      const auto known = class_of(r);
      ++errors.slots;
      if (known) {
        asked[*known] = true;
        if (!found(text, patterns_[*known])) missing(r);
      } else if (text.find(plain(r.object)) == std::string::npos) {
        missing(r);  // a value that E2E does not have: looked for as it is
      }
    }
    if (!wanted_family)
      if (const auto said = family_friendly(text))
        invented({"", "familyFriendly", *said ? "yes" : "no"});
    for (size_t k = 0; k < patterns_.size(); ++k)
      if (!asked[k] && !classes()[k].common && found(text, patterns_[k]))
        invented({"", classes()[k].slot, classes()[k].values[0]});
  }

 private:
  // As a whole word, also with "'s" or a full stop behind.
  static size_t find_name(const std::string& text, const std::string& padded) {
    const std::string name = padded.substr(0, padded.size() - 1);
    for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
      const char next = at + name.size() < text.size() ? text[at + name.size()] : ' ';
      if (!std::isalnum(static_cast<unsigned char>(next))) return at;
    }
    return std::string::npos;
  }
  static std::optional<size_t> class_of(const Relation& r) {
    const std::string value =
        ascii_lower(replace_all(replace_all(r.object, "\u00A3 ", "\u00A3"), " - ", "-"));
    for (size_t k = 0; k < classes().size(); ++k)
      for (const char* v : classes()[k].values)
        if (r.name == classes()[k].slot && value == ascii_lower(v)) return k;
    return std::nullopt;
  }

  std::deque<re2::RE2> patterns_;
};

}  // namespace

SlotErrors e2e_slot_errors(const std::vector<const TableEntry*>& tables,
                           const std::vector<std::string>& texts) {
  engine::check(tables.size() == texts.size(), "slot_errors", texts.size(), " texts but ",
                tables.size(), " tables");
  Checker checker;
  SlotErrors errors;
  for (size_t i = 0; i < texts.size(); ++i) checker.check(i, *tables[i], texts[i], errors);
  return errors;
}

}  // namespace data
