#include "apps/peft/commands.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "apps/analyze/command.h"
#include "apps/common/command_line.h"
#include "apps/common/main_guard.h"
#include "apps/common/table.h"
#include "apps/compare/command.h"
#include "apps/convert/convert.h"
#include "apps/convert/diff.h"
#include "apps/fetch/command.h"
#include "apps/finetune/command.h"
#include "apps/generate/command.h"
#include "apps/inspect/inspect.h"
#include "apps/merge/merge.h"
#include "apps/plan/command.h"
#include "apps/predict/command.h"
#include "apps/pretrain/command.h"
#include "apps/score/command.h"
#include "apps/sweep/command.h"
#include "apps/tokenizer/command.h"
#include "apps/trace/command.h"

namespace apps {
namespace {

int inspect_streams(int argc, const char* const* argv) {
  return inspect_command(argc, argv, std::cin, is_terminal(0), std::cout, std::cerr);
}

int generate_streams(int argc, const char* const* argv) {
  return generate_command(argc, argv, std::cin, is_terminal(0), std::cout, std::cerr);
}

std::string overview() {
  std::string text =
      "Fine-tunes transformers on a CPU.\n\nUsage:\n  peft COMMAND [OPTION...]\n\nCommands:\n";
  for (const Command& c : commands())
    text += "  " + c.name + std::string(c.name.size() < 11 ? 11 - c.name.size() : 1, ' ') +
            c.summary + "\n";
  return wrap(
      text + "\npeft COMMAND --help explains a command; peft --version says which this is.\n",
      help_width(), 13);
}

const Command* find_command(const std::string& name) {
  for (const Command& c : commands())
    if (c.name == name) return &c;
  return nullptr;
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"finetune", "train a model on a task, with any strategy", finetune_command, "glue_finetune"},
      {"pretrain", "train a BERT or an ELECTRA on plain text", pretrain_command, "pretrain"},
      {"predict", "what a trained model says of new data", predict_command},
      {"evaluate", "a trained model's scores on data with labels", evaluate_command},
      {"generate", "text that a model writes on from prompts, or for sources", generate_streams},
      {"plan", "what a training step will cost, from a config.json alone", plan_command},
      {"trace", "one training step told in order, as text or as a page", trace_command},
      {"sweep", "many fine-tunings: models, tasks, strategies, rates, seeds", sweep_command},
      {"compare", "runs as a table by task and strategy", compare_command, "compare"},
      {"analyze", "what finished runs have learned: biases, subspaces, layers, settings",
       analyze_command},
      {"inspect", "parameters, sites, graph, tokens, logits or attention of a model",
       inspect_streams, "inspect"},
      {"score", "outputs of a table-to-text system, by the papers' metrics", score_command},
      {"merge", "fold an adapter into its base model", merge_command, "merge"},
      {"convert", "a model's weights in another format, type or number of files", convert_command},
      {"diff", "two checkpoints: names, shapes, types, and the largest change of values",
       diff_command},
      {"tokenizer", "learn a tokenizer from text", tokenizer_command, "train_tokenizer"},
      {"fetch", "download models from Hugging Face's hub by name", fetch_command},
      {"cache", "the models that were downloaded: list, verify, remove", cache_command},
  };
  return table;
}

int run_command(int argc, const char* const* argv) {
  const std::string program = std::filesystem::path(argc > 0 ? argv[0] : "peft").filename();
  for (const Command& c : commands())
    if (c.program == program) {
      if (argc == 2 && std::string_view(argv[1]) == "--version") {
        std::cout << version_text();
        return 0;
      }
      return c.run(argc, argv);
    }
  const std::string first = argc > 1 ? argv[1] : "";
  if (first.empty()) {
    std::cout << "usage: peft COMMAND [OPTION...]\npeft --help lists the commands.\n";
    return 2;
  }
  if (first == "--version" ||
      (argc == 3 && std::string_view(argv[2]) == "--version" && find_command(first) != nullptr)) {
    std::cout << version_text();
    return 0;
  }
  if (first == "--help" || first == "-h" || (first == "help" && argc == 2)) {
    std::cout << overview();
    return 0;
  }
  const std::string name = first == "help" ? argv[2] : first;
  const Command* command = find_command(name);
  if (!command) {
    std::vector<std::string> known;
    for (const Command& c : commands()) known.push_back(c.name);
    const std::string near = nearest(name, known);
    throw UsageError(engine::concat("there is no command '", name, "'",
                                    near.empty() ? "" : ", did you mean " + near + "?",
                                    engine::hint("peft --help lists the commands")));
  }
  if (first == "help") {
    const char* help[] = {argv[0], "--help"};
    return command->run(2, help);
  }
  return command->run(argc - 1, argv + 1);
}

}  // namespace apps
