// glue_finetune: fine-tunes a model on a task. See apps/finetune/run.h.
#include <iostream>

#include "apps/common/main_guard.h"
#include "apps/common/signals.h"
#include "apps/finetune/dry_run.h"
#include "apps/finetune/flags.h"
#include "apps/finetune/run.h"

int main(int argc, char** argv) {
  return apps::guarded([&] {
    const apps::FinetuneCommand command = apps::parse_finetune(argc, argv);
    if (command.help || argc == 1) {
      std::cout << command.help_text;
      return argc == 1 ? 2 : 0;
    }
    if (command.dry_run) {
      std::cout << apps::dry_run(command);
      return 0;
    }
    apps::watch_stop_signals();
    const apps::RunResult result =
        apps::run_finetune(command.settings, {.out = std::cout, .stopped = apps::stop_signal});
    return result.finished ? 0 : apps::stop_exit_code();
  });
}
