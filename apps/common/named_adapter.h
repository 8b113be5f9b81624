// --adapter NAME=DIR, which may be given several times.
#pragma once

#include <string>
#include <vector>

namespace apps {

struct NamedAdapter {
  std::string name, folder;
};

// "fr=runs/fr" is the adapter fr. A folder alone is named by its last part that is not "adapter".
// Throws UsageError for a name that is there twice, and for an empty name or folder.
std::vector<NamedAdapter> named_adapters(const std::vector<std::string>& given);

// "a, b, c"
std::string names_text(const std::vector<NamedAdapter>& adapters);

}  // namespace apps
