#include <iostream>

#include "apps/common/command_line.h"
#include "apps/common/main_guard.h"
#include "apps/common/signals.h"
#include "apps/fetch/command.h"
#include "run/by_name.h"

namespace apps {

namespace {

run::Need need_of(const std::string& only) {
  if (only.empty()) return run::Need::model;
  if (only == "config") return run::Need::config;
  if (only == "tokenizer") return run::Need::tokenizer;
  if (only == "weights") return run::Need::weights;
  throw UsageError(
      engine::concat("--only cannot be '", only, "', expected config, tokenizer or weights"));
}

}  // namespace

int fetch_command(int argc, const char* const* argv) {
  std::vector<std::string> names;
  std::string only, revision;
  CommandLine line(
      "peft fetch",
      "Downloads models from Hugging Face's hub into its cache, only the files that are "
      "needed, and prints their folders. What is there already is kept, and a download "
      "that was stopped goes on. The environment says where: HF_HOME or HF_HUB_CACHE, "
      "HF_ENDPOINT, HF_TOKEN, and https_proxy.");
  auto add = line.options.add_options();
  add("revision", "branch, tag or commit (main); NAME@REVISION is the same",
      cxxopts::value<std::string>(revision), "NAME");
  add("only", "a part of it: config, tokenizer, weights", cxxopts::value<std::string>(only),
      "PART");
  line.options.add_options("hidden")("names", "", cxxopts::value<std::vector<std::string>>(names));
  line.options.parse_positional({"names"});
  line.options.positional_help("NAME...");
  if (argc == 1) {
    std::cout << "usage: peft fetch NAME[@REVISION]...\n"
                 "peft fetch --help explains all flags.\n";
    return 2;
  }
  line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  if (names.empty()) throw UsageError("fetch: which model?\nhint: peft fetch bert-base-uncased");
  const run::Need need = need_of(only);
  std::vector<hub::Name> models;
  for (const std::string& given : names) {
    const auto name = hub::parse_name(revision.empty() ? given : given + "@" + revision);
    if (!name)
      throw UsageError(
          engine::concat("fetch: '", given, "' is no name of a model",
                         engine::hint("names are org/name, name or org/name@revision")));
    models.push_back(*name);
  }
  watch_stop_signals();
  for (const hub::Name& name : models) std::cout << run::fetch(name, need) << std::endl;
  return 0;
}

}  // namespace apps
