// A model family, a strategy and a kind of task that only tests have. Each is one file here, and
// adds itself when it is first asked for.
#pragma once

#include <string>

namespace toys {

std::string family();    // "random:type=toy,...": a decoder of two layers, 16 wide (family.cpp)
std::string strategy();  // "gain": factors for what linear layers read (strategy.cpp)
std::string task();      // "one_vs_rest": a yes or no for each class (task.cpp)

}  // namespace toys
