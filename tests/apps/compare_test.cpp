// Records made by hand, as finetune writes them; means and deviations computed by hand.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cmath>
#include <filesystem>
#include <sstream>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/compare/command.h"
#include "apps/compare/curves.h"
#include "apps/compare/report.h"
#include "tests/apps/compare_runs.h"

using namespace apps;
using engine::Json;
using testing::write_run;
namespace fs = std::filesystem;

namespace {

Json record(const std::string& strategy, int64_t trainable, int seed, double score,
            double lr = 1e-3) {
  return testing::run_record(strategy, trainable, seed, score, lr);
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
  const std::string text = terminal_report(summarise(c), 0);
  CHECK(text.find("interrupted at step 30") != std::string::npos);
  CHECK(text.find("not finished") != std::string::npos);
  CHECK(text.find("run.json") != std::string::npos);
  CHECK(text.find("lora") != std::string::npos);
  CHECK(html_report(summarise(c)).find("Not counted") != std::string::npos);
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
    std::istringstream lines(terminal_report(summarise(c), width));
    for (std::string line; std::getline(lines, line) && !line.empty();)
      if (line.find("score:") == std::string::npos) CHECK(display_width(line) <= width);
  }
  const std::string markdown = markdown_report(summarise(c));
  CHECK(markdown.find(
            "| sst2 | bitfit | 3,330 | 0.0759% | 82.50 ± 0.71 | 2 | 1m 02s | 123 MB | 4.5 G |") !=
        std::string::npos);
  const std::string csv = csv_report(summarise(c));
  CHECK(csv.starts_with("task,model,strategy,strategy_spec,"));
  CHECK(csv.find("sst2,bert-tiny,bitfit,bitfit,,3330,4386178,0.07592") != std::string::npos);
  CHECK(csv.find("\"lora:r=16,alpha=32,") != std::string::npos);
  CHECK(csv.find("2 4,") != std::string::npos);
}

TEST_CASE("compare: records that are no plain files, or no records, are named and passed over") {
  testing::TempDir dir;
  write_run(dir / "good", record("bitfit", 3330, 1, 0.80));
  fs::create_directories(dir / "fifo");
  REQUIRE(mkfifo((dir / "fifo" / "run.json").c_str(), 0600) == 0);
  fs::create_directories(dir / "folder" / "run.json");
  fs::create_directories(dir / "large");
  testing::write_file(dir / "large" / "run.json", std::string(17 << 20, ' '));
  write_run(dir / "odd", Json{{"status", 3}, {"settings", "none"}, {"metrics", {1, 2}}});
  const Comparison c = compare_runs(find_runs(dir.path()));
  CHECK(c.groups.size() == 1);
  REQUIRE(c.uncounted.size() == 4);
  for (const Run& run : c.uncounted) CHECK_MESSAGE(!run.problem.empty(), run.folder_text());
  CHECK(c.uncounted[0].problem == "run.json: is not a plain file");
}

TEST_CASE("compare: a curve is read past damage, and its last point is a mean like the others") {
  testing::TempDir dir;
  std::string metrics = "not json\n{}\n" + std::string(2 << 20, '[') + "\n";
  for (int i = 1; i <= 1000; ++i)
    metrics += Json{{"step", i}, {"loss", 2.0 * i}, {"lr", 1e-3}}.dump() + "\n";
  metrics +=
      "{\"step\":1000,\"eval\":{\"dev\":{\"score\":0.7},\"test\":{\"score\":0.1}}}\n"
      "{\"step\":1001,\"eval\":{\"dev_a\":{\"score\":0.8},\"dev_b\":{\"score\":0.9}}}\n{\"cut";
  testing::write_file(dir / "metrics.jsonl", metrics);
  const Curves curves = read_curves(dir / "metrics.jsonl");
  REQUIRE(curves.loss.size() == 60);
  for (const auto& [step, loss] : curves.loss) CHECK(loss == doctest::Approx(2 * step));
  CHECK(curves.loss.back().first == doctest::Approx(992));  // of 984 to 1000
  REQUIRE(curves.score.size() == 2);
  CHECK(curves.score[1].second == doctest::Approx(85));
  CHECK(read_curves(dir / "nothing").loss.empty());
  REQUIRE(mkfifo((dir / "fifo").c_str(), 0600) == 0);
  CHECK(read_curves(dir / "fifo").loss.empty());
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
