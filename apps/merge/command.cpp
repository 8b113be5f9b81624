#include <iostream>

#include "apps/common/command_line.h"
#include "apps/common/main_guard.h"
#include "apps/merge/merge.h"
#include "apps/merge/sum.h"

namespace apps {

int merge_command(int argc, const char* const* argv) {
  MergeOptions merge;
  SumOptions sum;
  std::vector<std::string> adapters;
  std::string out, weights, as = "model";
  CommandLine line("peft merge",
                   "Folds an adapter, or a weighted sum of LoRA adapters, into its base model and "
                   "writes an ordinary Hugging Face folder; or writes the sum as an adapter.");
  const auto text = [](std::string& into) { return cxxopts::value<std::string>(into); };
  auto add = line.options.add_options();
  add("model", "base model: name on the hub, folder, or random:... (the run's)", text(merge.model),
      "MODEL");
  add("adapter", "adapter folder, or a run folder; several are added: a=DIR",
      cxxopts::value<std::vector<std::string>>(adapters), "[NAME=]DIR");
  add("out", "folder to write; must not hold anything", text(out), "DIR");
  add("weights", "one for each adapter, as \"0.7 0.3\" (1 each)", text(weights), "NUMBERS");
  add("combine", "as PEFT's add_weighted_adapter: cat (exact), svd, linear (cat)",
      text(sum.combine), "NAME");
  add("svd-rank", "of svd: the rank of the sum (the largest)", number_flag(sum.svd_rank), "N");
  add("as", "model: merged weights; adapter: one LoRA adapter in PEFT's format (model)", text(as),
      "NAME");
  add("dtype", "F32, F16 or BF16 (F32)", text(merge.dtype), "TYPE");
  add("tokenizer", "folder of the tokenizer (the run's, or the model's)", text(merge.tokenizer),
      "DIR");
  add("seed", "of what the base model's files lack (the run's)", number_flag(merge.seed), "N");
  if (argc == 1) {
    std::cout << "usage: peft merge --adapter RUN --out DIR [--model MODEL]\n"
                 "       peft merge --adapter a=RUN --adapter b=RUN --weights \"0.7 0.3\" --as "
                 "adapter --out DIR\n"
                 "peft merge --help explains all flags.\n";
    return 2;
  }
  const auto parsed = line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  if (adapters.empty() || out.empty())
    throw UsageError(
        "merge: --adapter and --out are needed\nhint: peft merge --help shows all flags");
  if (as != "model" && as != "adapter")
    throw UsageError(engine::concat("--as is '", as, "'; it can be model or adapter"));
  sum.adapters = named_adapters(adapters);
  sum.weights = parse_weights(weights);
  if (as == "adapter") {
    for (const char* flag : {"model", "dtype", "tokenizer", "seed"})
      if (parsed.count(flag))
        throw UsageError(engine::concat("--", flag, " is for --as model: an adapter has no base"));
    write_sum(sum, out, std::cout);
    return 0;
  }
  const bool one = adapters.size() == 1 && weights.empty() && sum.combine.empty();
  if (!one) merge.sum = sum_of(sum);
  merge.adapter = sum.adapters[0].folder;
  merge.out = out;
  merge_adapter(merge, std::cout);
  return 0;
}

}  // namespace apps
