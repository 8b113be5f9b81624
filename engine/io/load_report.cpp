#include <algorithm>

#include "engine/base/error.h"
#include "engine/io/checkpoint.h"

namespace engine {
namespace {

void list(std::string& text, const char* title, const std::vector<std::string>& names) {
  if (names.empty()) return;
  constexpr size_t kShown = 6;
  text += concat("\n  ", title, " (", names.size(), "): ");
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kShown) text += ", ...";
}

std::string megabytes(int64_t bytes) {
  const int64_t tenths = (bytes + 50'000) / 100'000;
  return concat(tenths / 10, ".", tenths % 10, " MB");
}

}  // namespace

std::string LoadReport::summary() const {
  std::string text = concat("loaded ", loaded.size(), " parameters from ", path.string());
  if (files.size() > 1) text += concat(" (", files.size(), " files)");
  text += concat(": ", megabytes(borrowed_bytes), " stay in the file, ", megabytes(owned_bytes),
                 " copied");
  if (prefix.starts_with('+')) {
    text += concat("\n  names in the file begin with '", prefix.substr(1), "'");
  } else if (!prefix.empty()) {
    text += concat("\n  names in the file lack '", prefix, "'");
  }
  const auto legacy = std::count_if(source.begin(), source.end(), [](const auto& names) {
    return names.second.ends_with(".gamma") || names.second.ends_with(".beta");
  });
  if (legacy > 0)
    text += concat("\n  LayerNorm parameters under their old names gamma and beta (", legacy, ")");
  list(text, "start fresh", missing);
  std::vector<std::string> sizes;
  for (const Mismatch& m : mismatched)
    sizes.push_back(
        concat(m.parameter, " ", dims_text(m.wanted), ", in the file ", dims_text(m.found)));
  list(text, "start fresh, of another size in the file", sizes);
  list(text, "in the file and not used", unexpected);
  list(text, "buffers passed over", ignored);
  return text;
}

}  // namespace engine
