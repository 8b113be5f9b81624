// peft generate and peft inspect logits, called as the program calls them.
#pragma once

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "apps/generate/command.h"
#include "apps/inspect/inspect.h"
#include "engine/io/json.h"

namespace apps_calls {

using engine::Json;

struct Output {
  std::string out, notes;
  std::vector<Json> lines() const {
    std::vector<Json> all;
    std::istringstream in(out);
    for (std::string line; std::getline(in, line);) all.push_back(Json::parse(line));
    return all;
  }
};

template <class Command>
Output call(const Command& command, const std::vector<std::string>& arguments,
            const std::string& in, bool terminal = false) {
  std::vector<const char*> argv = {"peft"};
  for (const std::string& a : arguments) argv.push_back(a.c_str());
  std::istringstream input(in);
  std::ostringstream out, notes;
  const int code = command(static_cast<int>(argv.size()), argv.data(), input, terminal, out,
                           notes);  // may throw
  CHECK(code == 0);
  return {out.str(), notes.str()};
}
inline Output generate(const std::vector<std::string>& arguments, const std::string& in = "") {
  return call(apps::generate_command, arguments, in);
}
inline Output logits(std::vector<std::string> arguments, const std::string& in) {
  arguments.insert(arguments.begin(), "logits");
  return call(apps::inspect_command, arguments, in);
}

}  // namespace apps_calls
