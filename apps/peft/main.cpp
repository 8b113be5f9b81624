// peft: one program, its commands in apps/peft/commands.cpp.
#include "apps/common/main_guard.h"
#include "apps/common/waiting.h"
#include "apps/peft/commands.h"

int main(int argc, char** argv) {
  apps::bound_waiting(argv);
  return apps::guarded([&] { return apps::run_command(argc, argv); });
}
