#include "apps/common/main_guard.h"
#include "apps/compare/command.h"

int main(int argc, char** argv) {
  return apps::guarded([&] { return apps::compare_command(argc, argv); });
}
