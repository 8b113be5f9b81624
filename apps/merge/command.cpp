#include <iostream>

#include "apps/common/command_line.h"
#include "apps/common/main_guard.h"
#include "apps/merge/merge.h"

namespace apps {

int merge_command(int argc, const char* const* argv) {
  MergeOptions merge;
  std::string adapter, out;
  CommandLine line(
      "peft merge",
      "Folds an adapter into its base model and writes an ordinary Hugging Face folder.");
  const auto text = [](std::string& into) { return cxxopts::value<std::string>(into); };
  auto add = line.options.add_options();
  add("model", "base model: name on the hub, folder, or random:... (the run's)", text(merge.model),
      "MODEL");
  add("adapter", "adapter folder, or a run folder of peft finetune", text(adapter), "DIR");
  add("out", "folder to write; must not hold anything", text(out), "DIR");
  add("dtype", "F32, F16 or BF16 (F32)", text(merge.dtype), "TYPE");
  add("tokenizer", "folder of the tokenizer (the run's, or the model's)", text(merge.tokenizer),
      "DIR");
  add("seed", "of what the base model's files lack (the run's)", number_flag(merge.seed), "N");
  if (argc == 1) {
    std::cout << "usage: peft merge --adapter RUN --out DIR [--model MODEL]\n"
                 "peft merge --help explains all flags.\n";
    return 2;
  }
  line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  if (adapter.empty() || out.empty())
    throw UsageError(
        "merge: --adapter and --out are needed\nhint: peft merge --help shows all flags");
  merge.adapter = adapter;
  merge.out = out;
  merge_adapter(merge, std::cout);
  return 0;
}

}  // namespace apps
