#include <iostream>

#include "apps/common/command_line.h"
#include "apps/common/main_guard.h"
#include "apps/common/signals.h"
#include "apps/fetch/command.h"
#include "data/glue.h"
#include "run/by_name.h"
#include "run/glue_by_name.h"

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

// The tasks that "glue/sst2" or "glue" names; none for a model's name.
std::vector<std::string> glue_tasks(const std::string& name) {
  if (name == "glue") return data::glue_tasks();
  if (!name.starts_with("glue/")) return {};
  return {data::glue_task(name.substr(5)).key};
}

}  // namespace

int fetch_command(int argc, const char* const* argv) {
  std::vector<std::string> names;
  std::string only, revision;
  CommandLine line(
      "peft fetch",
      "Downloads models from Hugging Face's hub into its cache, only the files that are "
      "needed, and prints their folders; glue/sst2 is the data of a GLUE task, glue those of all "
      "ten. What is there already is kept, and a download "
      "that was stopped goes on. The environment says where: HF_HOME or HF_HUB_CACHE, "
      "HF_ENDPOINT, HF_TOKEN, https_proxy, and PEFT_GLUE_URL for a mirror of GLUE.");
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
  std::vector<std::string> tasks;
  for (const std::string& given : names) {
    const std::vector<std::string> glue = glue_tasks(given);
    tasks.insert(tasks.end(), glue.begin(), glue.end());
    if (!glue.empty()) continue;
    const auto name = hub::parse_name(revision.empty() ? given : given + "@" + revision);
    if (!name)
      throw UsageError(engine::concat(
          "fetch: '", given, "' is no name of a model",
          engine::hint("names are org/name, name or org/name@revision; glue/sst2 is data")));
    models.push_back(*name);
  }
  watch_stop_signals();
  for (const std::string& task : tasks) std::cout << run::glue_by_name(task) << std::endl;
  for (const hub::Name& name : models) std::cout << run::fetch(name, need) << std::endl;
  return 0;
}

}  // namespace apps
