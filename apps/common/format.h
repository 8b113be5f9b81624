// Numbers as a person reads them: 12,345,678; 1.2 GB; 3m 12s; 4.5 GFLOP; 0.27%.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace apps {

std::string format_count(int64_t n);         // "12,345,678"
std::string format_bytes(double bytes);      // decimal units: "512 B", "3.2 kB", "1.2 GB"
std::string format_flops(double flops);      // "4.5 GFLOP"
std::string format_seconds(double seconds);  // "0.84s", "12.3s", "3m 12s", "2h 05m"
std::string format_percent(
    double percent);  // 0.2701 -> "0.270%", 98.3 -> "98.3%", 100 -> "100%": three digits
std::string format_rate(
    double per_second);  // "845", "12,345": whole numbers from 100 on, else three digits
std::string format_number(double x, int decimals);  // fixed; "nan" and "inf" as such
std::string format_significant(
    double x, int digits);  // "0.000123", "1.23e-07": %g with trailing zeros kept off

// Columns that UTF-8 text takes in a terminal: wide characters count two, combining ones none.
// Bytes that are not UTF-8 count one each.
int display_width(std::string_view utf8);
// At most `width` columns of it; what was cut ends in "…". Control characters (line breaks,
// escapes) become spaces.
std::string cut_to_width(std::string_view utf8, int width);
// The same, but what is cut is the beginning: "…attention.self.query".
std::string cut_front_to_width(std::string_view utf8, int width);

}  // namespace apps
