#include <doctest/doctest.h>

#include <sstream>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/progress.h"
#include "apps/common/table.h"

using namespace apps;

TEST_CASE("format: numbers as people read them") {
  CHECK(format_count(0) == "0");
  CHECK(format_count(999) == "999");
  CHECK(format_count(12345678) == "12,345,678");
  CHECK(format_count(-1234) == "-1,234");
  CHECK(format_bytes(512) == "512 B");
  CHECK(format_bytes(1234567890) == "1.2 GB");
  CHECK(format_bytes(999600) == "1.0 MB");
  CHECK(format_flops(4.5e9) == "4.5 GFLOP");
  CHECK(format_flops(123e12) == "123 TFLOP");
  CHECK(format_seconds(0.84) == "0.84s");
  CHECK(format_seconds(59.96) == "1m 00s");
  CHECK(format_seconds(192) == "3m 12s");
  CHECK(format_seconds(7500) == "2h 05m");
  CHECK(format_seconds(90000) == "1d 01h");
  CHECK(format_percent(0.2701) == "0.270%");
  CHECK(format_percent(0.06224) == "0.0622%");
  CHECK(format_percent(98.34) == "98.3%");
  CHECK(format_percent(100) == "100%");
  CHECK(format_rate(12345.4) == "12,345");
  CHECK(format_rate(8.451) == "8.45");
}

TEST_CASE("format: columns of a terminal") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("naïve") == 5);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("e\u0301") == 1);
  CHECK(cut_to_width("abcdef", 4) == "abc…");
  CHECK(cut_to_width("abcd", 4) == "abcd");
  CHECK(cut_to_width("日本語", 4) == "日…");
  CHECK(cut_to_width("a\nb\x1b[2J", 20) == "a b [2J");
  CHECK(cut_to_width("\xff", 3) == "?");
  CHECK(cut_front_to_width("layer.0.attention.query", 10) == "…ion.query");
  CHECK(cut_front_to_width("short", 10) == "short");
}

TEST_CASE("table: aligned, cut and thinned out to fit") {
  Table table({{"name", Align::left, Fit::cut},
               {"count", Align::right},
               {"extra", Align::left, Fit::fixed, 1}});
  table.add({"a rather long name of something", "1,234", "x"});
  table.rule();
  table.add({"b", "5"});
  CHECK(table.text() ==
        "name                             count  extra\n"
        "─────────────────────────────────────────────\n"
        "a rather long name of something  1,234  x\n"
        "─────────────────────────────────────────────\n"
        "b                                    5\n");
  for (const int width : {45, 40, 30, 24, 20}) {
    std::istringstream lines(table.text(width));
    for (std::string line; std::getline(lines, line);) CHECK(display_width(line) <= width);
  }
  CHECK(table.text(30).find("extra") != std::string::npos);
  CHECK(table.text(20).find("left out") != std::string::npos);
  CHECK(table.markdown() ==
        "| name | count | extra |\n| --- | ---: | --- |\n| a rather long name of something | 1,234 "
        "| x |\n| b | 5 |  |\n");
  CHECK(table.csv() == "name,count,extra\na rather long name of something,\"1,234\",x\nb,5,\n");
  CHECK(csv_cell("say \"hi\"\n") == "\"say \"\"hi\"\"\n\"");
  CHECK(markdown_cell("a|b\nc") == "a\\|b c");
}

TEST_CASE("progress: rewritten on a terminal, at intervals in a pipe") {
  double clock = 0;
  std::ostringstream out;
  {
    Progress progress(100, {.label = "sst2", .out = &out, .terminal = 1, .width = 30, .now = [&] {
                              return clock;
                            }});
    clock = 10;
    CHECK(progress.due(10));
    progress.update(10, {{"loss", "0.5"}, {"", "12 tokens/s"}});
    CHECK(out.str() == "\rsst2  10/100 10%  loss 0.5  …\033[K");
    CHECK_FALSE(progress.due(11));  // too soon
    clock = 10.2;
    CHECK(progress.due(11));
    CHECK(progress.line(50, {}) == "sst2  50/100 50%  10.2s left");
    out.str("");
    progress.note("evaluated");
    CHECK(out.str().starts_with("\r\033[Kevaluated\n"));
    out.str("");
  }
  CHECK(out.str() == "\r\033[K");  // nothing is left behind

  std::ostringstream pipe;
  Progress plain(100,
                 {.out = &pipe, .terminal = 0, .pipe_seconds = 5, .now = [&] { return clock; }});
  for (int step = 1; step <= 100; ++step) {
    clock += 0.5;
    plain.update(step, {});
  }
  plain.finish();
  std::istringstream lines(pipe.str());
  int count = 0;
  for (std::string line; std::getline(lines, line);) ++count;
  CHECK(count >= 10);
  CHECK(count <= 12);
  CHECK(pipe.str().find("100/100 100%\n") != std::string::npos);
  CHECK(pipe.str().find('\033') == std::string::npos);
}

TEST_CASE("command lines: the nearest flag, and exit codes") {
  CHECK(nearest("stratgy", {"strategy", "seed", "schedule"}) == "strategy");
  CHECK(nearest("batch", {"batch-size", "max-length"}) == "batch-size");
  CHECK(nearest("zzzzzz", {"strategy", "seed"}) == "");
  const auto parse = [](std::vector<const char*> argv) {
    cxxopts::Options options("tool");
    options.add_options()("strategy", "", cxxopts::value<std::string>())(
        "epochs", "", cxxopts::value<int>())("texts", "",
                                             cxxopts::value<std::vector<std::string>>());
    options.parse_positional({"texts"});
    argv.insert(argv.begin(), "tool");
    return parse_flags(options, static_cast<int>(argv.size()), argv.data());
  };
  CHECK_THROWS_WITH_AS(
      parse({"--stratgy", "x"}),
      "unknown flag --stratgy, did you mean --strategy?\nhint: tool --help lists the flags",
      UsageError);
  CHECK_THROWS_WITH_AS(parse({"--epochs", "many"}), doctest::Contains("--epochs cannot be 'many'"),
                       UsageError);
  CHECK_THROWS_WITH_AS(parse({"--epochs=1.5"}), doctest::Contains("--epochs cannot be '1.5'"),
                       UsageError);
  CHECK_THROWS_AS(parse({"--strategy"}), UsageError);
  CHECK(parse({"one, two", "three"})["texts"].as<std::vector<std::string>>() ==
        std::vector<std::string>{"one, two", "three"});
  for (const std::string& value : {std::string("two\nlines"), std::string(300'000, 'x')})
    CHECK(parse({("--strategy=" + value).c_str()})["strategy"].as<std::string>() == value);
  CHECK(guarded([] { return 0; }) == 0);
  CHECK(guarded([]() -> int { throw UsageError("test: exit code 2 is meant"); }) == 2);
  CHECK(guarded([]() -> int { engine::fail("test", "exit code 1 is meant"); }) == 1);
  CHECK(guarded([]() -> int { throw std::bad_alloc(); }) == 1);
}
