// "did you mean ...?": the known word nearest to one that is not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace engine {

// By edit distance, or where one is the beginning of the other ("rank", "r") or its last part
// ("lora_alpha", "alpha"); "" if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace engine
