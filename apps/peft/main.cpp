// peft: one program, its commands in apps/peft/commands.cpp.
#include "apps/common/main_guard.h"
#include "apps/common/waiting.h"
#include "apps/fetch/terminal.h"
#include "apps/peft/commands.h"

int main(int argc, char** argv) {
  apps::bound_waiting(argv);
  apps::FetchTerminal terminal;
  hub::set_watcher(&terminal);
  return apps::guarded([&] { return apps::run_command(argc, argv); });
}
