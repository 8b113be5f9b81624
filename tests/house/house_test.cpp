// The rules of the house that a compiler does not enforce, checked by reading the sources.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <vector>

#include "tests/support/paths.h"

namespace fs = std::filesystem;

namespace {

struct Source {
  std::string path;    // from the root: "engine/ops/linear.cpp"
  std::string folder;  // "engine/ops", "models"
  std::vector<std::string> lines;
};

const std::vector<std::string> kLibraries = {"engine", "models", "peft", "data",
                                             "tasks",  "hub",    "run"};

std::string folder_of(const std::string& path) {
  const size_t first = path.find('/'), second = path.find('/', first + 1);
  if (path.rfind("engine/", 0) == 0 && second != std::string::npos) return path.substr(0, second);
  return path.substr(0, first);
}

std::vector<Source> sources(const std::vector<std::string>& roots) {
  std::vector<Source> all;
  for (const std::string& root : roots) {
    if (!fs::exists(testing::source_dir() / root)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(testing::source_dir() / root)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cpp") continue;
      Source s;
      s.path =
          root + "/" + fs::relative(entry.path(), testing::source_dir() / root).generic_string();
      s.folder = folder_of(s.path);
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) s.lines.push_back(line);
      all.push_back(std::move(s));
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Source& a, const Source& b) { return a.path < b.path; });
  return all;
}

// The part of a line that is code: string literals emptied, comments cut. Enough for this code; no
// raw strings over lines.
std::string code(const std::string& line) {
  std::string out;
  bool text = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (text && line[i] == '\\') {
      ++i;
    } else if (line[i] == '"' && !(i > 0 && line[i - 1] == '\'')) {
      text = !text;
      out += '"';
    } else if (!text && line.compare(i, 2, "//") == 0) {
      break;
    } else if (!text) {
      out += line[i];
    }
  }
  return out;
}

// What a folder may include, beside itself and the standard library.
const std::map<std::string, std::set<std::string>>& allowed() {
  static const std::map<std::string, std::set<std::string>> table = [] {
    std::map<std::string, std::set<std::string>> t;
    // base <- tensor <- autograd <- ops <- nn <- {optim, io, dist, train}; base/ and tensor/ are
    // seen from everywhere above them
    t["engine/base"] = {};
    t["engine/tensor"] = {"engine/base"};
    t["engine/autograd"] = {"engine/base", "engine/tensor"};
    t["engine/ops"] = {"engine/base", "engine/tensor", "engine/autograd"};
    t["engine/nn"] = {"engine/base", "engine/tensor", "engine/autograd", "engine/ops"};
    std::set<std::string> below = t["engine/nn"];
    below.insert("engine/nn");
    t["engine/optim"] = t["engine/io"] = t["engine/dist"] = below;
    below.insert({"engine/optim", "engine/io", "engine/dist"});  // the trainer drives these
    t["engine/train"] = below;
    below.insert("engine/train");
    t["models"] = t["peft"] = t["data"] = below;  // the whole engine, and never one another
    t["hub"] = {"engine/base", "engine/io"};      // files by name, whatever is in them
    below.insert({"models", "data"});
    t["tasks"] = below;  // what is learned, whatever the strategy
    below.insert({"peft", "tasks", "hub"});
    t["run"] = below;  // everything but the programs
    return t;
  }();
  return table;
}

}  // namespace

TEST_CASE("the tree is there") {
  CHECK(sources({"engine"}).size() > 30);
  CHECK(code("x = \"a // b\\\" printf(\"; // exit(1)") == "x = \"\"; ");
}

TEST_CASE("includes go down the house, never up or across") {
  const std::regex include("^\\s*#\\s*include\\s*\"([^\"]+)\"");
  for (const Source& s : sources(kLibraries)) {
    const auto rule = allowed().find(s.folder);
    CAPTURE(s.path);
    REQUIRE_MESSAGE(rule != allowed().end(), "a folder that the house does not have");
    for (size_t i = 0; i < s.lines.size(); ++i) {
      std::smatch m;
      if (!std::regex_search(s.lines[i], m, include)) continue;
      const std::string target = m[1];
      CAPTURE(i + 1);
      CAPTURE(target);
      CHECK_MESSAGE(fs::exists(testing::source_dir() / target),
                    "an include is written from the root of the project");
      const std::string folder = folder_of(target);
      CHECK_MESSAGE((folder == s.folder || rule->second.count(folder) == 1), s.folder,
                    " may not include ", folder);
    }
  }
}

TEST_CASE("the scalar tour includes nothing of the engine, and nothing of the engine includes it") {
  for (const Source& s : sources(kLibraries))
    for (const std::string& line : s.lines) {
      if (line.find("#include") == std::string::npos) continue;
      if (s.path == "engine/autograd/value.h")
        CHECK_MESSAGE(line.find('"') == std::string::npos, line);
      CHECK_MESSAGE(line.find("autograd/value.h") == std::string::npos, s.path);
    }
}

TEST_CASE("one file calls cblas") {
  std::vector<std::string> users;
  for (const Source& s :
       sources({"engine", "models", "peft", "data", "tasks", "hub", "run", "apps", "bench"}))
    if (std::any_of(s.lines.begin(), s.lines.end(), [](const std::string& l) {
          const std::string c = code(l);
          return c.find("cblas") != std::string::npos || c.find("openblas_") != std::string::npos;
        }))
      users.push_back(s.path);
  CHECK(users == std::vector<std::string>{"engine/tensor/gemm.cpp"});
}

// std::snprintf into a buffer is no printing; a member or another word that ends like one is not
// the function.
static bool prints_or_ends(const std::string& line) {
  static const std::regex forbidden(
      "std::(cout|cerr|clog)|(^|[^A-Za-z0-9_.>])(printf|fprintf|vprintf|puts|fputs|putchar|perror|"
      "abort|exit|_exit|quick_exit|terminate)\\s*\\(");
  return std::regex_search(code(line), forbidden);
}

TEST_CASE("libraries neither print, abort nor exit") {
  for (const char* bad : {"std::cout << x;", "  printf(\"x\");", "std::fprintf(stderr, \"x\");",
                          "if (x) std::abort();", "::exit(1);", "exit (1);"})
    CHECK_MESSAGE(prints_or_ends(bad), bad);
  for (const char* good : {"std::snprintf(b, 9, \"x\");", "team.exit(1);", "// printf(x)",
                           "say(\"printf(x)\");", "int sprintf_like(int);"})
    CHECK_MESSAGE(!prints_or_ends(good), good);
  for (const Source& s : sources(kLibraries))
    for (size_t i = 0; i < s.lines.size(); ++i)
      CHECK_MESSAGE(!prints_or_ends(s.lines[i]), s.path, ":", i + 1, ": ", s.lines[i]);
}

TEST_CASE("one way from text to a number, and one to JSON") {
  // engine/base/number.h and engine/io/json_parse.h: strict, and the same everywhere.
  const std::regex number(
      "std::(sto[a-z]+|from_chars)\\b|(^|[^A-Za-z0-9_])(ato[ifl]+|strto[a-z]+|sscanf)\\s*\\(|"
      "cxxopts::value<(int|int64_t|uint64_t|unsigned.*|size_t|double|float)>");
  const std::regex json("[Jj]son::parse\\(|J::parse\\(");
  const std::regex pattern("std::(w?regex|basic_regex)");
  std::vector<std::string> folders = kLibraries;
  folders.push_back("apps");
  for (const Source& s : sources(folders))
    for (size_t i = 0; i < s.lines.size(); ++i) {
      const std::string line = code(s.lines[i]);
      if (s.path != "engine/base/number.h")
        CHECK_MESSAGE(!std::regex_search(line, number), s.path, ":", i + 1, ": ", s.lines[i],
                      " (use engine::to_number, and number_flag for flags)");
      if (s.path != "engine/io/json_parse.h")
        CHECK_MESSAGE(!std::regex_search(line, json), s.path, ":", i + 1, ": ", s.lines[i],
                      " (use engine::parse_json)");
      CHECK_MESSAGE(!std::regex_search(line, pattern), s.path, ":", i + 1, ": ", s.lines[i],
                    " (use RE2)");
    }
}

TEST_CASE("one idea a file: no library file is longer than 400 lines") {
  for (const Source& s : sources(kLibraries))
    CHECK_MESSAGE(s.lines.size() <= 400, s.path, " has ", s.lines.size(), " lines");
}

TEST_CASE("headers are guarded, and begin by saying what they are for") {
  for (const Source& s : sources(kLibraries)) {
    if (s.path.size() < 2 || s.path.compare(s.path.size() - 2, 2, ".h") != 0) continue;
    CHECK_MESSAGE(std::count(s.lines.begin(), s.lines.end(), "#pragma once") == 1, s.path);
    REQUIRE_FALSE(s.lines.empty());
    CHECK_MESSAGE(s.lines[0].rfind("// ", 0) == 0, s.path);
  }
}

TEST_CASE("no namespace is opened up in a header") {
  for (const Source& s : sources(kLibraries))
    if (s.path.size() > 2 && s.path.compare(s.path.size() - 2, 2, ".h") == 0)
      for (const std::string& line : s.lines)
        CHECK_MESSAGE(line.rfind("using namespace", 0) != 0, s.path, ": ", line);
}
