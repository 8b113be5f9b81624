// The table of strategies. To add one: a file with its class and its row, the row's declaration
// here, a line in registry.cpp. (A program with a strategy of its own calls add_strategy instead.)
#pragma once

#include <deque>

#include "peft/options.h"

namespace peft {

const std::deque<StrategyInfo>& registry();
// At the start of a program; not thread-safe. Throws if the name is taken.
void add_strategy(StrategyInfo info);

StrategyInfo full_strategy();
StrategyInfo frozen_strategy();
StrategyInfo top_strategy();
StrategyInfo bitfit_strategy();
StrategyInfo norm_strategy();
StrategyInfo lora_strategy();
StrategyInfo adapter_strategy();
StrategyInfo prefix_strategy();
StrategyInfo prompt_strategy();
StrategyInfo ia3_strategy();

}  // namespace peft
