// The table of strategies. To add one: a file with its class and its row, the row's declaration
// here, a line in registry().
#pragma once

#include "peft/options.h"

namespace peft {

const std::vector<StrategyInfo>& registry();

StrategyInfo full_strategy();
StrategyInfo frozen_strategy();
StrategyInfo top_strategy();
StrategyInfo bitfit_strategy();
StrategyInfo lora_strategy();
StrategyInfo adapter_strategy();
StrategyInfo prefix_strategy();
StrategyInfo ia3_strategy();

}  // namespace peft
