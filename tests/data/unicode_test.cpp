#include "data/unicode.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/paths.h"

using namespace data;

namespace {

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

std::u32string mapped(int (*map)(char32_t, char32_t*), char32_t c) {
  char32_t out[kMaxMapped];
  return {out, out + map(c, out)};
}

}  // namespace

TEST_CASE("ill-formed bytes become U+FFFD as in Python") {
  const auto cases = nlohmann::json::parse(testing::read_file(testing::golden("utf8.json")));
  REQUIRE(cases.size() > 200);
  for (const auto& c : cases) {
    const std::string bytes = from_hex(c[0].get<std::string>());
    const auto wanted = c[1].get<std::string>();
    CAPTURE(c[0].get<std::string>());
    CHECK(to_utf8(bytes) == wanted);
    CHECK(is_utf8(bytes) == (bytes == wanted));
  }
}

TEST_CASE("the first ill-formed byte is found behind any number of ASCII bytes") {
  for (size_t before = 0; before < 40; ++before) {
    const std::string text = std::string(before, 'a') + "\xFF" + std::string(20, 'b');
    CHECK(utf8_prefix(text) == before);
    CHECK(utf8_prefix(std::string(before, 'a') + "\xC3\xA9") == before + 2);
  }
}

TEST_CASE("every code point survives encoding and decoding") {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(c, text);
    size_t at = 0;
    if (next_code_point(text, at) != c || at != text.size()) FAIL("U+" << static_cast<uint32_t>(c));
  }
}

TEST_CASE("lower case is by character, without context") {
  CHECK(mapped(to_lower, U'A') == U"a");
  CHECK(mapped(to_lower, U'\u0130') == U"i\u0307");  // SpecialCasing.txt, unconditional
  CHECK(mapped(to_lower, U'\u03A3') == U"\u03C3");  // Python's lower() gives U+03C2 at a word's end
  CHECK(mapped(to_lower, U'\u1E9E') == U"\u00DF");
  CHECK(mapped(to_lower, U'\U00010400') == U"\U00010428");
}

TEST_CASE("canonical decomposition, Hangul by its formula") {
  CHECK(mapped(decompose, U'\u00E9') == U"e\u0301");
  CHECK(mapped(decompose, U'\u1EAD') == U"a\u0323\u0302");
  CHECK(mapped(decompose, U'\uAC01') == U"\u1100\u1161\u11A8");
  CHECK(mapped(decompose, U'\u212B') == U"A\u030A");
  CHECK(mapped(decompose, U'\uFB01') ==
        U"\uFB01");  // a ligature is a compatibility, not a canonical, decomposition
}

TEST_CASE("categories") {
  CHECK(is_punctuation(U'\u2014'));
  CHECK(is_punctuation(U'_'));
  CHECK_FALSE(is_punctuation(U'$'));  // a symbol; BERT's ASCII ranges are elsewhere
  CHECK(is_other(U'\u200D'));
  CHECK(is_other(U'\uE000'));
  CHECK_FALSE(is_other(U'\u0378'));  // unassigned
  CHECK(is_nonspacing_mark(U'\u0301'));
  CHECK_FALSE(is_nonspacing_mark(U'\u0903'));
  CHECK(is_white_space(U'\u2029'));
  CHECK_FALSE(is_white_space(U'\u200B'));
  CHECK(is_number(U'\u00BD'));
  CHECK(is_letter(U'\u4E00'));
}
