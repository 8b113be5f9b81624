#include <filesystem>
#include <iostream>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/plain_text.h"
#include "apps/finetune/scores.h"
#include "apps/predict/command.h"
#include "apps/predict/request.h"
#include "data/glue.h"
#include "data/language/rows.h"
#include "data/table_text/rows.h"
#include "data/tagged.h"
#include "engine/base/threads.h"
#include "engine/base/timer.h"
#include "run/glue_by_name.h"

namespace apps {

namespace {

// GLUE's dev set of the model's task, downloaded where it is not here yet.
data::Split dev_of(const data::TaskInfo& task) {
  if (!data::is_glue_task(task.key) || data::glue_dev_splits(task).empty())
    throw UsageError(engine::concat("evaluate: which data?",
                                    engine::hint("peft evaluate RUN FILE; without FILE a model of "
                                                 "a GLUE task is scored on its dev set")));
  return data::load_glue(run::glue_by_name(task.key), task.key)
      .split(data::glue_dev_splits(task).front());
}

}  // namespace

int evaluate_command(int argc, const char* const* argv) {
  if (argc == 1) {
    std::cout << "usage: peft evaluate RUN [FILE] [--json]\n"
                 "       peft evaluate --model M [--adapter A] --data FILE [--json]\n"
                 "peft evaluate --help explains all flags.\n";
    return 2;
  }
  ModelFlags flags;
  std::string label;
  bool json = false;
  CommandLine line("peft evaluate",
                   "Scores a trained model on a table with labels; without one, a model of a GLUE "
                   "task on that task's dev set (MNLI: the matched one).");
  flags.add_to(line);
  auto add = line.options.add_options();
  add("label", "column of the label (the run's, or guessed)", cxxopts::value<std::string>(label),
      "NAME");
  add("task", "lm: score texts with a language model, whatever the model's files say",
      cxxopts::value<std::string>(flags.request.task), "NAME");
  add("loss", "of texts: completion, all (the run's, or completion)",
      cxxopts::value<std::string>(flags.request.loss), "NAME");
  add("chat-format", "how chats are written (the run's, or the tokenizer's own)",
      cxxopts::value<std::string>(flags.request.chat_format), "NAME");
  add("truncation-side", "where long texts are cut: right, left (the run's, or right)",
      cxxopts::value<std::string>(flags.request.truncation_side), "SIDE");
  add("json", "all numbers as JSON", cxxopts::value<bool>(json));
  line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  flags.resolve("evaluate", {.needs_data = false});
  flags.columns.label = label;
  engine::set_threads(flags.threads);
  flags.precision.use();
  run::Predictor predictor(flags.request);
  engine::check(
      predictor.fresh().empty(), "evaluate",
      "the model has no trained head: ", predictor.fresh().empty() ? "" : predictor.fresh().front(),
      " is in no file",
      engine::hint("give the folder of a run, --adapter, or a model that was fine-tuned"));
  const data::OwnData columns = run::columns_for(predictor, flags.columns);
  const bool glue = data::is_glue_task(predictor.info().key) &&
                    std::filesystem::path(flags.file).extension() == ".tsv";
  const bool texts = predictor.info().kind == "lm";
  std::vector<std::string> notes;
  const data::Split split =
      flags.file.empty() ? dev_of(predictor.info())
      : texts && data::is_table_task(predictor.info().key)
          ? data::read_table_rows(predictor.info(), "data", flags.file, notes)
      : texts ? data::read_language_file("data", flags.file, columns.text,
                                         data::pair_columns(predictor.info()))
      : predictor.info().kind == "tag"
          ? data::read_tagged_file(predictor.info(), "data", flags.file)
      : glue ? data::read_glue_file(predictor.info(), "dev", flags.file)
             : data::read_own_file(predictor.info(), "data", flags.file, columns, true);
  if (flags.file.empty()) flags.file = engine::concat(predictor.info().name, " ", split.name);
  engine::check(texts || split.labelled(), flags.file, "no row has a label");
  const engine::Timer timer;
  for (const std::string& note : notes) std::cerr << "note: " << plain_text(note) << '\n';
  const data::EncodedSplit encoded = predictor.encode(split.examples);
  const tasks::Predictions p = predictor.predict(encoded);
  engine::Json scores = predictor.task().score(p, encoded);
  const double seconds = timer.seconds();
  if (json) {
    scores["data"] = flags.file;
    scores["rows_per_second"] =
        seconds > 0 ? static_cast<double>(split.examples.size()) / seconds : 0;
    std::cout << engine::json_text(scores, 2) << '\n';
    return 0;
  }
  std::cout << scores_text(predictor.info(), flags.file, scores) << report_text(scores);
  std::cerr << rate_line(static_cast<int64_t>(split.examples.size()), seconds);
  if (encoded.truncated())
    std::cerr << "; " << format_count(encoded.truncated()) << " texts were cut to "
              << predictor.max_length() << " tokens";
  if (split.skipped)
    std::cerr << "; " << split.skipped << ' ' << split.skipped_why << " were left out";
  std::cerr << '\n';
  return 0;
}

}  // namespace apps
