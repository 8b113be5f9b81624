// merge: folds a LoRA, IA3, BitFit or other trained adapter into its base model. See
// apps/merge/merge.h.
#include <iostream>

#include "apps/common/main_guard.h"
#include "apps/merge/merge.h"

int main(int argc, char** argv) {
  return apps::guarded([&] {
    apps::MergeOptions merge;
    std::string adapter, out;
    bool help = false;
    cxxopts::Options options(
        "merge",
        "Folds an adapter into its base model and writes an ordinary Hugging Face folder.");
    options.add_options()("model", "base model: Hugging Face folder, or random:... with --seed",
                          cxxopts::value<std::string>(merge.model),
                          "MODEL")("adapter", "adapter folder, or a run folder of glue_finetune",
                                   cxxopts::value<std::string>(adapter), "DIR")(
        "out", "folder to write; must not hold anything", cxxopts::value<std::string>(out), "DIR")(
        "dtype", "F32, F16 or BF16 (F32)", cxxopts::value<std::string>(merge.dtype), "TYPE")(
        "seed", "of a random base model (42)", cxxopts::value<uint64_t>(merge.seed), "N")(
        "help", "this text", cxxopts::value<bool>(help));
    apps::parse_flags(options, argc, argv);
    if (help) {
      std::cout << options.help();
      return 0;
    }
    if (merge.model.empty() || adapter.empty() || out.empty())
      throw apps::UsageError(
          "merge: --model, --adapter and --out are needed\nhint: merge --help shows all flags");
    merge.adapter = adapter;
    merge.out = out;
    apps::merge_adapter(merge, std::cout);
    return 0;
  });
}
