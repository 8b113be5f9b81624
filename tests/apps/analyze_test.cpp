// Scores by a setting, their pictures, and the command line of peft analyze.
#include <doctest/doctest.h>

#include <algorithm>

#include "apps/analyze/command.h"
#include "apps/analyze/scores.h"
#include "apps/common/main_guard.h"
#include "tests/apps/compare_runs.h"

namespace {

// Runs of lora by rank and roles: three seeds each, of two learning rates for r = 8.
void write_runs(const testing::TempDir& temp) {
  int n = 0;
  const auto write = [&](int r, const char* roles, int seed, double score, double lr) {
    engine::Json record = testing::run_record("lora:r=" + std::to_string(r) + ",roles=" + roles,
                                              100 * r, seed, score, lr);
    record["strategy_options"] = {{"r", r}, {"roles", {roles, "value"}}};
    testing::write_run(temp / ("run" + std::to_string(n++)), record);
  };
  for (int seed = 1; seed <= 3; ++seed) {
    write(2, "query", seed, 70 + seed, 1e-3);
    write(8, "query", seed, 80 + seed, 1e-3);
    write(8, "query", seed, 60 + seed, 1e-2);
    write(8, "key", seed, 75, 1e-3);
  }
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("scores by rank and roles, the best rate of each") {
  testing::TempDir temp;
  write_runs(temp);
  const auto runs = apps::find_runs(temp.path());
  REQUIRE(runs.size() == 12);
  const auto found = apps::score_table(runs, "r", "roles");
  REQUIRE(found.grids.size() == 1);
  const run::Grid& grid = found.grids[0];
  CHECK(grid.rows == std::vector<std::string>{"2", "8"});
  CHECK(grid.columns == std::vector<std::string>{"key+value", "query+value"});
  CHECK(std::isnan(grid.at(0, 0)));
  CHECK(grid.at(0, 1) == doctest::Approx(72));
  CHECK(grid.at(1, 0) == doctest::Approx(75));
  CHECK(grid.at(1, 1) == doctest::Approx(82));
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0].find("lr=0.001 is the best of 2") != std::string::npos);
  REQUIRE(found.charts[0].series.size() == 2);
  CHECK(found.charts[0].series[1].points[1].low == doctest::Approx(81));

  const std::string svg = apps::line_chart(found.charts[0]);
  CHECK(count_of(svg, "<circle") == 3);
  CHECK(count_of(svg, "<polyline") == 2);
  CHECK(svg.find("nan") == std::string::npos);
  const std::string map = apps::heat_map(grid);
  CHECK(count_of(map, "<rect") == 1 + 3);  // the page, and a cell a value
  CHECK_THROWS_AS(apps::score_table(runs, "size"), engine::Error);
  CHECK(apps::score_table(runs, "trainable").grids[0].rows.size() == 2);
  CHECK(apps::score_table(runs, "examples").grids[0].rows == std::vector<std::string>{"3668"});
}

TEST_CASE("a picture of one value, of none and of a stranger's text") {
  run::Grid grid;
  grid.title = "<script>";
  grid.at(grid.row("a"), grid.column("b")) = 0;
  CHECK(apps::heat_map(grid).find("<script>") == std::string::npos);
  apps::LineChart chart{
      .title = "t", .x_title = "x", .y_title = "y", .series = {{"s", {{1, 2, 2, 2}}}}};
  CHECK(apps::line_chart(chart).find("nan") == std::string::npos);
}

TEST_CASE("peft analyze says what it needs") {
  const auto run = [](std::vector<const char*> argv) {
    argv.insert(argv.begin(), "peft analyze");
    try {
      apps::analyze_command(static_cast<int>(argv.size()), argv.data());
    } catch (const apps::UsageError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(run({}).find("known are biases, lora, layers, scores") != std::string::npos);
  CHECK(run({"bias"}).find("did you mean biases?") != std::string::npos);
  CHECK(run({"biases"}).find("expected RUN, found 0") != std::string::npos);
  CHECK(run({"biases", "a", "b"}).find("found 2") != std::string::npos);
  CHECK(run({"scores", "runs"}).find("--by is missing") != std::string::npos);
}
