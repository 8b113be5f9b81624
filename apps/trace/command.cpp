#include "apps/trace/command.h"

#include <iostream>

#include "apps/common/command_line.h"
#include "apps/common/main_guard.h"
#include "apps/common/table.h"
#include "apps/trace/page.h"
#include "apps/trace/text.h"
#include "engine/base/atomic_file.h"

namespace apps {

int trace_command(int argc, const char* const* argv) {
  run::TraceSettings settings;
  run::FinetuneSettings& s = settings.finetune;
  s.batch_size = 2;
  bool json = false;
  std::string html;
  CommandLine line("peft trace",
                   "Tells one training step in order: every op forward and backward, what it saves "
                   "for backward and why, which products a strategy leaves out, time and memory. "
                   "With --data or --train it is the first step of that run; without, a step on "
                   "made-up words.",
                   {"Step", "Data", "Output"});
  const auto text = [](std::string& into) { return cxxopts::value<std::string>(into); };
  line.options.add_options("Step")(
      "model", "name on the hub, folder, config.json, or random:layers=2,hidden=128", text(s.model),
      "MODEL")("strategy", "what is trained, for instance bitfit or lora:r=8 (full)",
               text(s.strategy), "SPEC")(
      "task", "as of peft finetune: a GLUE task, lm, e2e, webnlg, dart", text(s.task), "NAME")(
      "kind", "instead: classify, regress, multilabel, tag", text(s.kind), "NAME")(
      "num-labels", "classes of a made-up batch (the model's)", number_flag(settings.num_labels),
      "N")("batch-size", "sequences (2)", number_flag(s.batch_size), "N")(
      "max-length", "tokens of each made-up sequence (8); of data, what texts are cut to",
      number_flag(s.max_length),
      "N")("dropout", "of all dropout layers (the model's own)", number_flag(s.dropout), "P")(
      "seed", "of fresh weights, order and dropout (42)", number_flag(s.seed), "N")(
      "threads", "0: all (0)", number_flag(s.threads), "N")(
      "dry-run", "shapes and counts alone, for a model of any size",
      cxxopts::value<bool>(settings.dry));
  line.options.add_options("Data")("data", "folder with the task's train.tsv", text(s.data), "DIR")(
      "train", "own data: TSV, CSV or JSONL", text(s.train), "FILE")(
      "text", "column of the text (guessed if absent)", text(s.text), "NAME")(
      "text-b", "column of the second text of a pair", text(s.text_b), "NAME")(
      "label", "column of the label", text(s.label), "NAME")(
      "tokenizer", "folder of the tokenizer, if the model has none", text(s.tokenizer), "DIR")(
      "adapter", "start from a saved adapter", text(s.adapter), "DIR");
  line.options.add_options("Output")("html", "a page with a slider over the step, in one file",
                                     text(html), "FILE")("json", "JSON instead of text",
                                                         cxxopts::value<bool>(json));
  if (argc == 1) {
    std::cout << "usage: peft trace --model MODEL [--strategy SPEC] [--task NAME] [--html FILE]\n"
                 "peft trace --help explains all flags.\n";
    return 2;
  }
  line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  if (s.model.empty())
    throw UsageError(
        "trace: --model is needed\nhint: give a Hugging Face folder, a config.json, or "
        "random:layers=2,hidden=128");
  if (s.data.empty() && s.train.empty() && s.max_length > 0) settings.length = s.max_length;
  const run::StepTrace trace = run::trace_step(settings);
  if (!html.empty()) {
    engine::write_file_atomically(html, trace_page(trace));
    std::cerr << "written to " << html << "\n";
  }
  if (json)
    std::cout << engine::json_text(run::trace_json(trace)) << "\n";
  else if (html.empty())
    std::cout << trace_text(trace, terminal_width());
  return 0;
}

}  // namespace apps
