#include "apps/common/named_adapter.h"

#include <algorithm>
#include <filesystem>

#include "apps/common/main_guard.h"

namespace apps {

namespace fs = std::filesystem;

namespace {

NamedAdapter named(const std::string& given) {
  std::error_code ignored;
  const size_t at = given.find('=');
  // A folder may have a '=' in its name.
  if (at != std::string::npos && !fs::exists(given, ignored))
    return {given.substr(0, at), given.substr(at + 1)};
  fs::path path = fs::path(given).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "runs/fr/"
  if (path.filename() == "adapter" && path.has_parent_path()) path = path.parent_path();
  return {path.filename().string(), given};
}

}  // namespace

std::vector<NamedAdapter> named_adapters(const std::vector<std::string>& given) {
  std::vector<NamedAdapter> adapters;
  for (const std::string& text : given) {
    const NamedAdapter adapter = named(text);
    const auto advice = engine::hint("give --adapter NAME=DIR");
    if (adapter.name.empty() || adapter.folder.empty())
      throw UsageError(engine::concat("--adapter '", text, "' lacks a name or a folder", advice));
    for (const NamedAdapter& other : adapters)
      if (other.name == adapter.name)
        throw UsageError(engine::concat("two adapters are named '", adapter.name, "'", advice));
    adapters.push_back(adapter);
  }
  return adapters;
}

std::string names_text(const std::vector<NamedAdapter>& adapters) {
  std::string text;
  for (const NamedAdapter& adapter : adapters) text += (text.empty() ? "" : ", ") + adapter.name;
  return text;
}

}  // namespace apps
