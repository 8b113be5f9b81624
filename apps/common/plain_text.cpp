#include "apps/common/plain_text.h"

#include <utf8proc.h>

#include <algorithm>

namespace apps {
namespace {

bool harmless(utf8proc_int32_t c) {
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return false;  // C0, DEL, C1
  if (c >= 0x200B && c <= 0x200F) return false;           // zero width, marks of direction
  if (c >= 0x2028 && c <= 0x202E) return false;           // separators, embeddings, overrides
  if (c >= 0x2060 && c <= 0x206F) return false;           // isolates, invisible operators
  return c != 0xFEFF && c != 0x61C && !(c >= 0xFFF9 && c <= 0xFFFB);
}

}  // namespace

std::string plain_text(std::string_view text, std::string_view keep) {
  std::string out;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (size_t i = 0; i < text.size();) {
    utf8proc_int32_t c = -1;
    const auto left = static_cast<utf8proc_ssize_t>(std::min<size_t>(text.size() - i, 4));
    const utf8proc_ssize_t length = utf8proc_iterate(bytes + i, left, &c);
    if (length <= 0) {
      out += "\xEF\xBF\xBD";
      ++i;
      continue;
    }
    if (harmless(c) || (length == 1 && keep.find(text[i]) != std::string_view::npos))
      out.append(text.substr(i, static_cast<size_t>(length)));
    else
      out += ' ';
    i += static_cast<size_t>(length);
  }
  return out;
}

}  // namespace apps
