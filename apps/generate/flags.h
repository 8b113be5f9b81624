// The command line of peft generate.
#pragma once

#include <string>
#include <vector>

#include "apps/common/command_line.h"
#include "apps/common/precision_flags.h"
#include "engine/io/json.h"
#include "run/locate.h"

namespace apps {

struct GenerateFlags {
  run::ModelRequest request;
  std::vector<std::string> words, prompts;
  std::string file, out, source;
  std::string task, data, split = "test", linearization;  // of a set of tables
  std::string system, chat_format;
  std::string preset, note;  // a paper's way of writing, and a text about what it sets
  bool json = false, greedy = false, chat = false;
  int threads = 0;
  PrecisionFlags precision;
  engine::Json settings = engine::Json::object();  // by transformers' names

  void add_to(CommandLine& line);
  // After parsing: the settings that were given, and which word is the run. Throws UsageError for
  // flags that do not go together and where there is no model.
  void resolve(const cxxopts::ParseResult& parsed);
  void take_preset(const cxxopts::ParseResult& parsed);
  // No prompt is given: a person is to type.
  bool interactive() const { return prompts.empty() && file.empty() && task.empty(); }
};

}  // namespace apps
