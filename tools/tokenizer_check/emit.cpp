// Prints our token ids of a file's lines, for check.mjs to compare with an independent
// implementation.
//
//   emit FOLDER FILE            a line of ids for each line of FILE, special tokens included
//   emit FOLDER --code-points   the same for "a" + c + "b" and every code point c but the
//   surrogates emit FOLDER --strings FILE  FILE is a JSON list of texts (they may hold line breaks)
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "data/tokenizer.h"
#include "data/unicode.h"

namespace {

void print(const data::Tokenizer& tokenizer, const std::string& text) {
  std::string line;
  for (const int32_t id : tokenizer.encode(text).ids) line += std::to_string(id) + ' ';
  if (!line.empty()) line.back() = '\n';
  std::cout << (line.empty() ? "\n" : line);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::cerr << "usage: emit FOLDER FILE | --code-points | --strings FILE\n";
    return 2;
  }
  std::ios::sync_with_stdio(false);
  const auto tokenizer = data::load_tokenizer(argv[1]);
  const std::string what = argv[2];
  if (what == "--code-points") {
    for (char32_t c = 0; c < 0x110000; ++c) {
      if (c >= 0xD800 && c < 0xE000) continue;
      std::string text = "a";
      data::append_utf8(c, text);
      print(*tokenizer, text + "b");
    }
  } else if (what == "--strings" && argc > 3) {
    std::ifstream in(argv[3]);
    for (const auto& text : nlohmann::json::parse(in)) print(*tokenizer, text.get<std::string>());
  } else {
    std::ifstream in(what, std::ios::binary);
    for (std::string line; std::getline(in, line);) print(*tokenizer, line);
  }
} catch (const std::exception& e) {
  std::cerr << e.what() << "\n";
  return 1;
}
