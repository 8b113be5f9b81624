// Records made by hand, as finetune writes them; means and deviations computed by hand.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/compare/chart.h"
#include "apps/compare/command.h"
#include "apps/compare/report.h"
#include "tests/support/paths.h"

using namespace apps;
using engine::Json;
namespace fs = std::filesystem;

namespace {

Json record(const std::string& strategy, int64_t trainable, int seed, double score,
            double lr = 1e-3) {
  return {{"version", 1},
          {"settings",
           {{"lr", lr}, {"seed", seed}, {"out", "somewhere"}, {"threads", 2}, {"epochs", 3}}},
          {"schema", "peft.cpp/run/1"},
          {"status", "finished"},
          {"task", "sst2"},
          {"model", {{"spec", "bert-tiny"}, {"model_type", "bert"}, {"hash", "m1"}}},
          {"strategy", strategy.substr(0, strategy.find(':'))},
          {"strategy_spec", strategy},
          {"trainable_parameters", trainable},
          {"total_parameters", 4386178},
          {"metrics", {{"dev", {{"accuracy", score}, {"loss", 0.4}, {"score", score}}}}},
          {"seconds", 61.5},
          {"tokens_per_second", 12345.6},
          {"peak_memory_bytes", 123456789},
          {"steps", 30},
          {"counts", {{"gemm_flops", 4.5e9}}},
          {"seed", seed},
          {"data", {{"hash", "d1"}}}};
}

void write_run(const fs::path& folder, const Json& json, const std::string& metrics = "") {
  fs::create_directories(folder);
  testing::write_file(folder / "run.json", json.dump());
  if (!metrics.empty()) testing::write_file(folder / "metrics.jsonl", metrics);
}

int run_command(std::vector<std::string> arguments) {
  std::vector<const char*> argv = {"compare"};
  for (const std::string& a : arguments) argv.push_back(a.c_str());
  return compare_command(static_cast<int>(argv.size()), argv.data());
}

}  // namespace

TEST_CASE("compare: runs that differ only by seed are averaged, others are told apart") {
  testing::TempDir dir;
  write_run(dir / "bitfit-1", record("bitfit", 3330, 1, 0.80));
  write_run(dir / "bitfit-2", record("bitfit", 3330, 2, 0.82));
  write_run(dir / "bitfit-3", record("bitfit", 3330, 3, 0.87));
  write_run(dir / "full", record("full", 4386178, 1, 0.835));
  write_run(dir / "deep" / "er" / "full-fast", record("full", 4386178, 1, 0.81, 1e-4));
  const Comparison c = compare_runs(find_runs(dir.path()));
  REQUIRE(c.groups.size() == 3);
  CHECK(c.uncounted.empty());
  CHECK(c.groups[0].first().strategy == "bitfit");
  CHECK(c.groups[0].runs.size() == 3);
  CHECK(c.groups[0].score.mean == doctest::Approx(0.83));
  CHECK(c.groups[0].score.deviation == doctest::Approx(std::sqrt((0.0009 + 0.0001 + 0.0016) / 2)));
  CHECK(score_text(c.groups[0].score) == "83.00 ± 3.61");
  CHECK(c.groups[0].differs.empty());
  CHECK(c.groups[1].differs.find("lr=") != std::string::npos);
  CHECK(c.groups[1].differs.find("threads") == std::string::npos);
  CHECK(compare_runs(find_runs(dir.path()), "score").groups[0].first().strategy == "full");
  CHECK_THROWS_WITH_AS(compare_runs({}, "scor"), doctest::Contains("did you mean score"),
                       UsageError);
}

TEST_CASE(
    "compare: unfinished and broken runs are listed, not averaged; absent fields are dashes") {
  testing::TempDir dir;
  write_run(dir / "a", record("bitfit", 3330, 1, 0.80));
  Json unfinished = record("bitfit", 3330, 2, 0.1);
  unfinished["status"] = "interrupted";
  write_run(dir / "b", unfinished);
  unfinished["status"] = "running";
  write_run(dir / "c", unfinished);
  fs::create_directories(dir / "d");
  testing::write_file(dir / "d" / "run.json", "{\"status\": \"fini");
  write_run(dir / "e", Json::array());
  write_run(dir / "f", Json{{"schema", "other/1"}, {"status", "finished"}});
  write_run(dir / "g", Json{{"status", "finished"},
                            {"task", "sst2"},
                            {"strategy", "lora"},
                            {"trainable_parameters", "many"}});
  const Comparison c = compare_runs(find_runs(dir.path()));
  REQUIRE(c.groups.size() == 2);
  CHECK(c.groups[0].score.mean == doctest::Approx(0.8));
  CHECK(c.uncounted.size() == 5);
  const std::string text = terminal_report(c, 0);
  CHECK(text.find("interrupted at step 30") != std::string::npos);
  CHECK(text.find("not finished") != std::string::npos);
  CHECK(text.find("run.json") != std::string::npos);
  CHECK(text.find("lora") != std::string::npos);
  CHECK(html_report(c).find("Not counted") != std::string::npos);
}

TEST_CASE(
    "compare: a random model of another seed is the same experiment, whatever the record says of "
    "its weights") {
  testing::TempDir dir;
  for (const int seed : {1, 2, 3}) {
    Json json = record("full", 4386178, seed, 0.8 + 0.01 * seed);
    json["model"] = {{"spec", "random:layers=2,hidden=128"},
                     {"model_type", "bert"},
                     {"hash", engine::concat("m", seed)}};
    json["settings"]["model_hash"] = json["model"]["hash"];
    json["settings"]["data_hash"] = "d1";
    if (seed == 3) json["settings"]["piece_tokens"] = 1024;  // how it was computed, not what
    write_run(dir / std::to_string(seed), json);
  }
  const Comparison c = compare_runs(find_runs(dir.path()));
  REQUIRE(c.groups.size() == 1);
  CHECK(c.groups[0].runs.size() == 3);
}

TEST_CASE(
    "compare: the same settings and seed twice count once, and a folder given twice as well") {
  testing::TempDir dir;
  write_run(dir / "a", record("bitfit", 3330, 1, 0.80));
  write_run(dir / "b", record("bitfit", 3330, 1, 0.90));
  fs::last_write_time(dir / "a" / "run.json",
                      fs::last_write_time(dir / "b" / "run.json") - std::chrono::hours(1));
  const Comparison c = compare_runs(find_runs(std::vector<std::string>{
      dir.path().string(), (dir / "b").string(), (dir / "b" / "run.json").string()}));
  REQUIRE(c.groups.size() == 1);
  CHECK(c.groups[0].score.mean == doctest::Approx(0.9));
  REQUIRE(c.uncounted.size() == 1);
  CHECK(c.uncounted[0].problem.find("same settings and seed") != std::string::npos);
}

TEST_CASE("compare: MNLI's two development sets make one score") {
  testing::TempDir dir;
  Json json = record("lora:r=8", 100, 1, 0);
  json["metrics"] = {{"dev_matched", {{"score", 0.8}}},
                     {"dev_mismatched", {{"score", 0.7}}},
                     {"test", {{"score", 0.1}}}};
  write_run(dir.path(), json);
  CHECK(read_run(dir.path()).score == doctest::Approx(0.75));
}

TEST_CASE("compare: text fits the terminal, Markdown and CSV hold everything") {
  testing::TempDir dir;
  write_run(dir / "1",
            record("lora:r=16,alpha=32,roles=query+key+value+attention_output+ffn_in+ffn_out",
                   294912, 1, 0.80));
  write_run(dir / "2", record("bitfit", 3330, 2, 0.82));
  write_run(dir / "3", record("bitfit", 3330, 4, 0.83));
  const Comparison c = compare_runs(find_runs(dir.path()));
  for (const int width : {100, 80, 60, 40}) {
    std::istringstream lines(terminal_report(c, width));
    for (std::string line; std::getline(lines, line) && !line.empty();)
      if (line.find("score:") == std::string::npos) CHECK(display_width(line) <= width);
  }
  const std::string markdown = markdown_report(c);
  CHECK(markdown.find(
            "| sst2 | bitfit | 3,330 | 0.0759% | 82.50 ± 0.71 | 2 | 1m 02s | 123 MB | 4.5 G |") !=
        std::string::npos);
  const std::string csv = csv_report(c);
  CHECK(csv.starts_with("task,model,strategy,strategy_spec,"));
  CHECK(csv.find("sst2,bert-tiny,bitfit,bitfit,,3330,4386178,0.07592") != std::string::npos);
  CHECK(csv.find("\"lora:r=16,alpha=32,") != std::string::npos);
  CHECK(csv.find("2 4,") != std::string::npos);
}

TEST_CASE("compare: the page stands alone, escapes what it shows, and survives damaged metrics") {
  testing::TempDir dir;
  Json evil = record("bitfit", 3330, 1, 0.8);
  evil["task"] = "<script>alert(1)</script>";
  std::string metrics;
  for (int i = 1; i <= 1000; ++i)
    metrics += Json{{"step", i}, {"loss", 1.0 / i}, {"lr", 1e-3}}.dump() + "\n";
  metrics +=
      "{\"step\": 1000, \"eval\": {\"dev\": {\"score\": 0.7}}}\n{\"step\": 1001, \"eval\": "
      "{\"dev\": {\"score\": 0.8}}}\n{\"cut";
  write_run(dir / "1", evil, metrics);
  write_run(dir / "2", record("full", 4386178, 1, 0.9), "not json\n{}\n");
  const std::string page = html_report(compare_runs(find_runs(dir.path())));
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("http") == std::string::npos);
  CHECK(page.find("src=") == std::string::npos);
  CHECK(page.find("<svg") != std::string::npos);
  CHECK(page.find("Score while training") != std::string::npos);
  CHECK(page.size() < 40000);
}

TEST_CASE("compare: ticks are round and cover the range") {
  CHECK(round_ticks(0, 10, 5) == std::vector<double>{0, 2, 4, 6, 8, 10});
  const std::vector<double> ticks = round_ticks(79.3, 83.9, 5);
  CHECK(ticks.front() <= 79.3);
  CHECK(ticks.back() >= 83.9);
  CHECK(svg({"x", "y", false, {}}).empty());
  CHECK(svg({"x", "y", true, {{"a", 0, {{0, 1}, {NAN, 2}}, {}, false, false}}}).empty());
}

TEST_CASE("compare: the command writes files and says what is wrong") {
  testing::TempDir dir;
  write_run(dir / "runs" / "1", record("bitfit", 3330, 1, 0.8));
  CHECK(run_command({(dir / "runs").string(), "--markdown", (dir / "t.md").string(),
                     "--csv=" + (dir / "t.csv").string(), "--html", (dir / "t.html").string()}) ==
        0);
  CHECK(testing::read_file(dir / "t.md").find("| bitfit |") != std::string::npos);
  CHECK(testing::read_file(dir / "t.csv").find("bitfit") != std::string::npos);
  CHECK(testing::read_file(dir / "t.html").find("</html>") != std::string::npos);
  CHECK_THROWS_WITH_AS(run_command({(dir / "nothing").string()}),
                       doctest::Contains("no such run folder"), engine::Error);
  fs::create_directories(dir / "empty");
  CHECK_THROWS_WITH_AS(run_command({(dir / "empty").string()}), doctest::Contains("no run in it"),
                       engine::Error);
  CHECK_THROWS_AS(run_command({}), UsageError);
  CHECK_THROWS_WITH_AS(run_command({"--markdwn", "-"}),
                       doctest::Contains("did you mean --markdown"), UsageError);
  CHECK_THROWS_AS(run_command({(dir / "runs").string(), "--csv", "-", "--markdown", "-"}),
                  UsageError);
  CHECK_THROWS_AS(
      run_command({(dir / "runs").string(), "--csv", (dir / "no" / "such" / "x.csv").string()}),
      engine::Error);
}
