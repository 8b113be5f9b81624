// peft: one program, its commands in apps/peft/commands.cpp.
#include <iostream>

#include "apps/common/main_guard.h"
#include "apps/common/plain_text.h"
#include "apps/common/signals.h"
#include "apps/common/waiting.h"
#include "apps/fetch/terminal.h"
#include "apps/peft/commands.h"
#include "hub/errors.h"

int main(int argc, char** argv) {
  apps::bound_waiting(argv);
  apps::FetchTerminal terminal;
  hub::set_watcher(&terminal);
  return apps::guarded([&] {
    try {
      return apps::run_command(argc, argv);
    } catch (const hub::Stopped& e) {  // Ctrl-C during a download, which can be resumed
      std::cerr << "error: " << apps::plain_text(e.what(), "\n\t") << std::endl;
      return apps::stop_exit_code();
    }
  });
}
