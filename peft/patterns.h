// PEFT's rank_pattern and alpha_pattern: numbers of some modules, by name.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/json.h"

namespace re2 {
class RE2;
}

namespace peft {

// Keys are regular expressions for the end of a module's path, behind a dot or from its beginning;
// the first that fits counts, in the order in which they stand.
class Patterns {
 public:
  Patterns() : json_(engine::Json::object()) {}
  // A JSON object {"q_proj": 4}. Every value is a number within [least, most]. `where` and `key`
  // open the message of an error.
  Patterns(const engine::Json& json, double least, double most, const std::string& where,
           const std::string& key);
  static Patterns parse(const std::string& text, double least, double most,
                        const std::string& where, const std::string& key);

  double at(const std::string& path, double fallback) const;
  const engine::Json& json() const { return json_; }

 private:
  engine::Json json_;
  std::vector<std::pair<std::shared_ptr<const re2::RE2>, double>> entries_;
};

}  // namespace peft
