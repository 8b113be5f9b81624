#include "apps/common/format.h"

#include <utf8proc.h>

#include <cmath>
#include <cstdio>

namespace apps {
namespace {

std::string print(const char* format, double x) {
  char text[64];
  std::snprintf(text, sizeof text, format, x);
  return text;
}

// Three significant digits below 100, whole numbers above: 1.23, 12.3, 123.
std::string three_digits(double x) {
  const double size = std::abs(x);
  return print(size < 9.995 ? "%.2f" : size < 99.95 ? "%.1f" : "%.0f", x);
}

std::string with_unit(double x, const char* const* units, int count, bool whole_first) {
  if (!std::isfinite(x)) return print("%g ", x) + units[0];
  int unit = 0;
  while (std::abs(x) >= 999.5 && unit + 1 < count) {
    x /= 1000;
    ++unit;
  }
  const std::string number = unit == 0 && whole_first ? print("%.0f", x)
                             : std::abs(x) < 99.95    ? print("%.1f", x)
                                                      : print("%.0f", x);
  return number + " " + units[unit];
}

// The next code point of `text` at `at`, and its length in bytes; -1 for a byte that begins none.
utf8proc_int32_t next(std::string_view text, size_t at, size_t& length) {
  utf8proc_int32_t point = -1;
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                      static_cast<utf8proc_ssize_t>(text.size() - at), &point);
  length = bytes > 0 ? static_cast<size_t>(bytes) : 1;
  return bytes > 0 ? point : -1;
}

bool is_control(utf8proc_int32_t point) {
  return point >= 0 && (point < 0x20 || (point >= 0x7F && point < 0xA0));
}

int width_of(utf8proc_int32_t point) {
  return point < 0 || is_control(point) ? 1 : utf8proc_charwidth(point);
}

}  // namespace

std::string format_count(int64_t n) {
  std::string digits = std::to_string(n);
  const size_t sign = n < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > sign + 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string format_bytes(double bytes) {
  static const char* const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  return with_unit(bytes, units, 6, true);
}

std::string format_flops(double flops) {
  static const char* const units[] = {"FLOP",  "kFLOP", "MFLOP", "GFLOP",
                                      "TFLOP", "PFLOP", "EFLOP", "ZFLOP"};
  return with_unit(flops, units, 8, true);
}

std::string format_seconds(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 9.995) return print("%.2fs", seconds);
  if (seconds < 59.95) return print("%.1fs", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  char text[64];
  if (whole < 3600)
    std::snprintf(text, sizeof text, "%dm %02ds", static_cast<int>(whole / 60),
                  static_cast<int>(whole % 60));
  else if (whole < 86400)
    std::snprintf(text, sizeof text, "%dh %02dm", static_cast<int>(whole / 3600),
                  static_cast<int>(whole % 3600 / 60));
  else
    std::snprintf(text, sizeof text, "%lldd %02dh", static_cast<long long>(whole / 86400),
                  static_cast<int>(whole % 86400 / 3600));
  return text;
}

std::string format_percent(double percent) {
  if (!std::isfinite(percent)) return print("%g%%", percent);
  if (percent == 0 || percent == 100) return print("%.0f%%", percent);
  const double size = std::abs(percent);
  return print(size < 0.001   ? "%.2g%%"
               : size < 0.1   ? "%.4f%%"
               : size < 1     ? "%.3f%%"
               : size < 9.995 ? "%.2f%%"
                              : "%.1f%%",
               percent);
}

std::string format_rate(double per_second) {
  if (!std::isfinite(per_second)) return "?";
  return per_second < 99.95 ? three_digits(per_second) : format_count(std::llround(per_second));
}

std::string format_number(double x, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, x);
  return text;
}

std::string format_significant(double x, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, x);
  return text;
}

int display_width(std::string_view utf8) {
  int width = 0;
  for (size_t at = 0, length = 0; at < utf8.size(); at += length)
    width += width_of(next(utf8, at, length));
  return width;
}

std::string cut_to_width(std::string_view utf8, int width) {
  std::string out;
  const bool cut = display_width(utf8) > width;
  const int room = cut ? width - 1 : width;
  int used = 0;
  for (size_t at = 0, length = 0; at < utf8.size(); at += length) {
    const utf8proc_int32_t point = next(utf8, at, length);
    const int w = width_of(point);
    if (used + w > room) break;
    used += w;
    if (point < 0)
      out += '?';
    else if (is_control(point))
      out += ' ';
    else
      out += utf8.substr(at, length);
  }
  if (cut && width > 0) out += "…";
  return out;
}

std::string cut_front_to_width(std::string_view utf8, int width) {
  int rest = display_width(utf8);
  if (rest <= width || width <= 0) return cut_to_width(utf8, width);
  size_t at = 0;
  for (size_t length = 0; at < utf8.size() && rest > width - 1; at += length)
    rest -= width_of(next(utf8, at, length));
  return "…" + cut_to_width(utf8.substr(at), width - 1);
}

}  // namespace apps
