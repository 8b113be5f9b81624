#include <iostream>

#include "apps/common/main_guard.h"
#include "apps/common/table.h"
#include "apps/inspect/inspect.h"

int main(int argc, char** argv) {
  return apps::guarded([&] {
    return apps::inspect_command(argc, argv, std::cin, apps::is_terminal(0), std::cout, std::cerr);
  });
}
