#include <iostream>

#include "apps/common/main_guard.h"
#include "apps/common/signals.h"
#include "apps/pretrain/pretrainer.h"

int main(int argc, char** argv) {
  return apps::guarded([&] {
    std::string help;
    const apps::PretrainOptions options = apps::parse_pretrain_options(argc, argv, &help);
    if (!help.empty()) {
      std::cout << help;
      return 0;
    }
    apps::watch_stop_signals();
    apps::Pretrainer pretrainer(options);
    pretrainer.run();
    return apps::stop_requested() ? apps::stop_exit_code() : 0;
  });
}
