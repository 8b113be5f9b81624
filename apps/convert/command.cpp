#include <iostream>

#include "apps/common/command_line.h"
#include "apps/common/main_guard.h"
#include "apps/common/progress.h"
#include "apps/common/signals.h"
#include "apps/convert/convert.h"

namespace apps {
namespace {

struct ConvertStopped {};

constexpr int64_t kWorthShowing = 200'000'000;  // bytes; fewer take a moment

}  // namespace

int convert_command(int argc, const char* const* argv) {
  ConvertOptions convert_options;
  std::string size = "5GB";
  CommandLine line(
      "peft convert",
      "Writes a model's weights in another format, type or number of files, with its "
      "configuration and tokenizer. Reads safetensors, PyTorch's .bin and .pt, and GGUF "
      "files of the LLaMA family; writes safetensors and GGUF. Nothing is loaded: the "
      "values pass through a part at a time.");
  const auto text = [](std::string& into) { return cxxopts::value<std::string>(into); };
  auto add = line.options.add_options();
  add("model", "name on the hub, folder, or file", text(convert_options.model), "MODEL");
  add("out", "new folder, or a .safetensors or .gguf file", text(convert_options.out), "PATH");
  add("dtype", "f32, f16, bf16 or q8_0 (as they are; quantised values become f32)",
      text(convert_options.dtype), "TYPE");
  add("format", "safetensors or gguf (what --out ends in; else safetensors)",
      text(convert_options.format), "FORMAT");
  add("max-shard-size", "of a safetensors file, 500MB for instance (5GB)", text(size), "SIZE");
  add("tokenizer", "folder of the tokenizer that a GGUF file brings (the model's)",
      text(convert_options.tokenizer), "DIR");
  add("overwrite", "replace what --out holds", cxxopts::value<bool>(convert_options.overwrite));
  if (argc == 1) {
    std::cout << "usage: peft convert --model IN --out OUT [--dtype TYPE] [--format FORMAT]\n"
                 "peft convert --help explains all flags.\n";
    return 2;
  }
  line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  if (convert_options.model.empty() || convert_options.out.empty())
    throw UsageError(
        "convert: --model and --out are needed\nhint: peft convert --help shows all flags");
  convert_options.max_shard_size = parse_size(size, "--max-shard-size");
  watch_stop_signals();
  std::unique_ptr<Progress> progress;
  const auto show = [&](int64_t bytes, int64_t all) {
    if (stop_requested()) throw ConvertStopped();
    if (all < kWorthShowing) return;
    if (!progress)
      progress = std::make_unique<Progress>(std::max<int64_t>(1, all / 1'000'000),
                                            ProgressOptions{.label = "convert MB"});
    if (progress->due(bytes / 1'000'000)) progress->update(bytes / 1'000'000, {});
    if (bytes == all) progress->finish();
  };
  try {
    convert(convert_options, show, std::cout);
  } catch (const ConvertStopped&) {
    return stop_exit_code();
  }
  return 0;
}

}  // namespace apps
