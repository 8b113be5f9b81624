// A page in a real browser: Chromium without a window, if there is one.
#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/paths.h"

namespace testing {

// Prints "skipped: no Chromium" where there is none.
inline std::optional<std::string> chromium() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"})
    if (std::system((std::string("command -v ") + name + " >/dev/null 2>&1").c_str()) == 0)
      return name;
  std::printf("skipped: no Chromium\n");
  return std::nullopt;
}

// The document of `page` after its scripts ran, and then `script`. The element <html> has
// data-error if anything went wrong on the way.
inline std::string loaded(const std::string& browser, std::string page, const std::string& script,
                          const std::string& window = "1280,900") {
  TempDir dir;
  page.insert(page.find("<style>"),
              "<script>addEventListener('error', e => document.documentElement.dataset.error = "
              "e.message); const say = console.error; console.error = (...a) => "
              "{ document.documentElement.dataset.error = a.join(' '); say(...a); };</script>");
  page.insert(page.rfind("</body>"), "<script>" + script + "</script>");
  write_file(dir / "page.html", page);
  const std::string command = browser +
                              " --headless --no-sandbox --disable-gpu --window-size=" + window +
                              " --user-data-dir=" + (dir / "profile").string() +
                              " --virtual-time-budget=10000 --dump-dom 'file://" +
                              (dir / "page.html").string() + "' 2>/dev/null";
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe);
  char buffer[4096];
  while (const size_t n = fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, n);
  CHECK(pclose(pipe) == 0);
  return out;
}

// The tag of <html> alone, with the data that scripts left there.
inline std::string root_of(const std::string& document) {
  return document.substr(0, document.find("<head>"));
}

}  // namespace testing
