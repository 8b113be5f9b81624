// Formats, and what a stranger's run may not do to them.
#include <doctest/doctest.h>

#include <algorithm>

#include "apps/compare/report.h"
#include "apps/page/escape.h"
#include "tests/apps/compare_runs.h"

using namespace apps;
using engine::Json;
using testing::run_record;
using testing::write_run;

namespace {

// A record whose every text attacks, in a folder whose name does.
Json hostile(int seed, double score) {
  const std::string attack =
      "=cmd|'/C calc'!A0 <script>alert(1)</script> [x](javascript:alert(1)) "
      "![i](evil.png) www.evil.example `| a | b |\n# head\x1b[2J\x1b]0;title\x07\xc2\x9b"
      "31m\xe2\x80\xae\\input{/etc/passwd} $x$ & % # _ ~ ^ {";
  Json json = run_record("bitfit", 3330, seed, score);
  json["task"] = attack;
  json["model"]["spec"] = attack;
  json["strategy"] = attack;
  json["strategy_spec"] = attack;
  json["task_info"]["metrics"] = {attack};
  json["notes"] = {attack};
  json["git_revision"] = attack;
  json["machine"]["processor"] = attack;
  json["settings"][attack] = attack + (seed > 1 ? "2" : "");
  return json;
}

size_t occurrences(const std::string& text, const std::string& of) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(of, at)) != std::string::npos; at += of.size()) ++n;
  return n;
}

struct Hostile {
  testing::TempDir dir;
  Comparison comparison;
  Summary summary;
  Hostile() {
    write_run(dir / "a\x1b[31m<b>", hostile(1, 0.8));
    write_run(dir / "b|c", hostile(2, 0.7));
    write_run(dir / "=d", run_record("full", 4386178, 1, 0.9));
    testing::write_file(dir / "=d" / "metrics.jsonl", "{\"step\":1,\"loss\":1}\n");
    Json unfinished = hostile(3, 0.1);
    unfinished["status"] = "\x1b[2J<img src=x onerror=alert(1)>";
    write_run(dir / "e", unfinished);
    comparison = compare_runs(find_runs(dir.path()));
    summary = summarise(comparison);
  }
};

bool controls(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char ch) {
    return (static_cast<unsigned char>(ch) < 0x20 && ch != '\n') || ch == 0x7F;
  });
}

}  // namespace

TEST_CASE("reports: no control character of a record or a folder's name gets into any of them") {
  const Hostile h;
  for (const std::string& report :
       {terminal_report(h.summary, 0), terminal_report(h.summary, 60), markdown_report(h.summary),
        csv_report(h.summary), latex_report(h.summary), json_report(h.summary)}) {
    CHECK_FALSE(controls(report));
    CHECK(report.find("\xe2\x80\xae") == std::string::npos);  // right-to-left override
    CHECK(report.find("\xc2\x9b") == std::string::npos);
  }
}

TEST_CASE("reports: a record's text stays text in Markdown") {
  const std::string report = markdown_report(Hostile().summary);
  // Outside code spans there is neither a tag nor a link. (A pipe is escaped inside spans.)
  bool span = false;
  std::string outside;
  for (const char ch : report) {
    if (ch == '`')
      span = !span;
    else if (!span)
      outside += ch;
    else
      CHECK(ch != '\n');
  }
  CHECK_FALSE(span);
  CHECK(outside.find("](") == std::string::npos);
  CHECK(outside.find("www.") == std::string::npos);
  CHECK(outside.find("<script") == std::string::npos);
  CHECK(report.find("\n# head") == std::string::npos);
  CHECK(occurrences(report, "<u>") == occurrences(report, "</u>"));
  CHECK(markdown_text("lora:r=8") == "`lora:r=8`");
  CHECK(markdown_text("bitfit") == "bitfit");
  CHECK(markdown_text("1. one") == "`1. one`");
  CHECK(markdown_text("a|b`c") == "`a\\|b'c`");
}

TEST_CASE("reports: no cell of the CSV begins a formula") {
  const std::string report = csv_report(Hostile().summary);
  // Cells begin at the start of a line, behind a comma, and behind a quote of either.
  for (const char* start : {"\n=", ",=", ",\"=", "\n\"=", ",+", ",\"+", ",@", ",\"@"})
    CHECK_MESSAGE(report.find(start) == std::string::npos, start);
  CHECK(csv_text("=1+1") == "'=1+1");
  CHECK(csv_text(" \t@x") == "' \t@x");
  CHECK(csv_text("-x") == "'-x");
  CHECK(csv_text("a=b") == "a=b");
}

TEST_CASE("reports: a record's text stays text in HTML and in its script") {
  const std::string page = html_report(Hostile().summary);
  CHECK(occurrences(page, "<script") == 3);  // the data, the library, ours
  CHECK(occurrences(page, "</script") == 3);
  CHECK(page.find("<script>alert") == std::string::npos);
  CHECK(page.find("<img") == std::string::npos);
  CHECK(page.find("onerror=alert(1)>") == std::string::npos);
  CHECK_FALSE(
      controls(page.substr(page.find("<body>"), page.find("id=\"data\"") - page.find("<body>"))));
  CHECK(script_json({{"a", "</script><!--"}}).find('<') == std::string::npos);
}

TEST_CASE("reports: a record's text stays text in LaTeX") {
  const std::string report = latex_report(Hostile().summary);
  CHECK(report.find("\\input") == std::string::npos);
  CHECK(report.find("\\textbackslash{}input\\{") != std::string::npos);
  CHECK(latex_text("a_b & 5 % $x$ {y} #1 ~ ^ \\") ==
        "a\\_b \\& 5 \\% \\$x\\$ \\{y\\} \\#1 \\textasciitilde{} \\textasciicircum{} "
        "\\textbackslash{}");
}

TEST_CASE("reports: clean_text keeps other scripts, and mends what is not UTF-8") {
  CHECK(clean_text("日本語 é") == "日本語 é");
  CHECK(clean_text("a\nb\tc\x7f") == "a b c ");
  CHECK(clean_text("\xff\xc3") == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(clean_text(std::string(1000, 'x')).size() == 303);
}

TEST_CASE("reports: LaTeX is a booktabs table with the marks") {
  testing::TempDir dir;
  for (const int seed : {1, 2, 3}) {
    write_run(dir / engine::concat("l", seed), run_record("lora", 100, seed, 0.90 + 0.001 * seed));
    write_run(dir / engine::concat("b", seed), run_record("bitfit", 50, seed, 0.80));
  }
  const Comparison c = compare_runs(find_runs(dir.path()));
  const std::string report = latex_report(summarise(c));
  for (const char* part : {"\\toprule", "\\midrule", "\\bottomrule", "\\begin{tabular}{lrr}",
                           "Strategy & Trainable (\\%) & sst2 \\\\",
                           "lora & 0.00228 & \\textbf{90.2}\\,{\\scriptsize$\\pm$0.1} \\\\"})
    CHECK_MESSAGE(report.find(part) != std::string::npos, part, "\n", report);
  CHECK(report.find("±") == std::string::npos);
}

TEST_CASE("reports: JSON has the layout of PEFT's method_comparison, failed runs too") {
  testing::TempDir dir;
  write_run(dir / "a", run_record("lora:r=8", 100, 7, 0.9));
  Json unfinished = run_record("full", 100, 1, 0.9);
  unfinished["status"] = "interrupted";
  write_run(dir / "b", unfinished);
  const Comparison c = compare_runs(find_runs(dir.path()));
  const Json all = engine::parse_json(json_report(summarise(c)), "report");
  REQUIRE(all.size() == 2);
  for (const Json& run : all) {
    for (const char* key : {"created_at", "total_time", "experiment_name", "peft_branch",
                            "train_config", "peft_config", "error_msg"})
      CHECK_MESSAGE(run["run_info"].contains(key), key);
    for (const char* key : {"accelerator_memory_reserved_avg", "accelerator_memory_max",
                            "accelerator_memory_reserved_99th", "train_time", "file_size",
                            "num_trainable_params", "num_total_params", "status", "metrics"})
      CHECK_MESSAGE(run["train_info"].contains(key), key);
    for (const char* key :
         {"model_info", "dataset_info", "package_info", "system_info", "pytorch_info"})
      CHECK_MESSAGE(run["meta_info"].contains(key), key);
  }
  CHECK(all[0]["run_info"]["train_config"]["seed"] == 7);
  CHECK(all[0]["run_info"]["peft_config"]["peft_type"] == "lora");
  CHECK(all[0]["train_info"]["status"] == "success");
  CHECK(all[0]["train_info"]["metrics"][0]["valid accuracy"] == 0.9);
  CHECK(all[1]["train_info"]["status"] == "canceled");
  CHECK(all[1]["run_info"]["peft_config"].is_null());
}
