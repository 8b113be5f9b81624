#include "apps/pretrain/command.h"

#include <iostream>
#include <memory>

#include "apps/common/signals.h"
#include "apps/pretrain/options.h"
#include "apps/pretrain/terminal.h"
#include "engine/base/error.h"
#include "run/pretrain/pretrainer.h"

namespace apps {

int pretrain_command(int argc, const char* const* argv) {
  if (argc == 1) {
    std::cout << "usage: peft pretrain --corpus FILE --tokenizer DIR --out RUN --steps N\n"
                 "       peft pretrain --resume --out RUN ...\n"
                 "peft pretrain --help explains all flags.\n";
    return 2;
  }
  std::string help;
  const run::PretrainSettings settings = parse_pretrain_options(argc, argv, &help);
  if (!help.empty()) {
    std::cout << help;
    return 0;
  }
  watch_stop_signals();
  PretrainTerminal terminal(settings.quiet);
  std::unique_ptr<run::Pretrainer> pretrainer;
  try {
    pretrainer = std::make_unique<run::Pretrainer>(settings, terminal);
  } catch (const engine::Error& e) {
    if (!stop_requested()) throw;
    std::cerr << "stopped before the first step (" << e.what()
              << "); the same command, with --resume if the run was begun, goes on\n";
    return stop_exit_code();
  }
  return pretrainer->run() ? 0 : stop_exit_code();  // a signal in the last step: finished
}

}  // namespace apps
