#include "data/own.h"

#include <doctest/doctest.h>

#include <set>

#include "data/table.h"
#include "engine/base/error.h"
#include "tests/support/paths.h"

using namespace data;
using engine::Error;
using Row = std::vector<std::string>;

TEST_CASE("CSV: quotes, commas, line breaks, CRLF, spaces; lines are counted through them") {
  testing::TempDir folder;
  testing::write_file(folder / "a.csv",
                      "\xEF\xBB\xBFtext,label\r\n\"a, \"\"b\"\"\r\nc\", x \r\n\r\nd,y\r\n");
  const Table table = read_table(folder / "a.csv");
  CHECK(table.columns == Row{"text", "label"});
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0] == Row{"a, \"b\"\r\nc", " x "});
  CHECK(table.lines == std::vector<int64_t>{2, 5});
}

TEST_CASE("JSON lines: text, numbers and truth values become text") {
  testing::TempDir folder;
  testing::write_file(
      folder / "a.jsonl",
      "{\"text\": \"\u00E9\", \"label\": 1}\n\n{\"label\": true, \"text\": \"b\", \"more\": []}\n");
  const Table table = read_table(folder / "a.jsonl");
  CHECK(table.rows == std::vector<Row>{{"\u00E9", "1"}, {"b", "true"}});
  CHECK(table.lines == std::vector<int64_t>{1, 3});
}

TEST_CASE("damaged tables say where") {
  testing::TempDir folder;
  const auto error = [&](const char* name, const std::string& text) -> std::string {
    testing::write_file(folder / name, text);
    try {
      read_table(folder / name);
      return "none";
    } catch (const Error& e) {
      return e.what();
    }
  };
  CHECK(error("a.csv", "a,b\n1,2\n3\n").find("a.csv:3: has 1 fields, expected 2 (a, b)") !=
        std::string::npos);
  CHECK(error("a.csv", "a,b\n1,\"2\" x\n").find("a.csv:2: broken quotation") != std::string::npos);
  CHECK(error("a.csv", "a,a\n1,2\n").find("named twice") != std::string::npos);
  CHECK(error("a.csv", "a,b\n").find("no rows") != std::string::npos);
  CHECK(error("a.tsv", "a\tb\n1\n").find("a.tsv:2: has 1 fields") != std::string::npos);
  CHECK(error("a.jsonl", "{\"a\": 1}\n[1]\n").find("a.jsonl:2: is not a JSON object") !=
        std::string::npos);
  CHECK(error("a.jsonl", "{\"a\": 1}\n{}\n").find("a.jsonl:2: has no 'a'") != std::string::npos);
  CHECK(error("a.jsonl", "{\"a\": [1]}\n").find("'a' is [1]") != std::string::npos);
  CHECK(error("a.xlsx", "x").find("known are .tsv, .csv and .jsonl") != std::string::npos);
}

TEST_CASE("own data: columns guessed, classes in sorted order, integers by value") {
  testing::TempDir folder;
  testing::write_file(folder / "train.tsv", "label\ttext\n10\ta\n2\tb\n10\tc\n");
  testing::write_file(folder / "dev.tsv", "label\ttext\n2\td\n");
  const TaskData data = load_own({.train = folder / "train.tsv", .dev = folder / "dev.tsv"});
  CHECK(data.info.labels == Row{"2", "10"});
  CHECK_FALSE(data.info.pair);
  CHECK(data.split("train").examples[0].label == 1);
  CHECK(data.split("dev").examples[0].a == "d");
  CHECK(TaskInfo::from_json(data.info.to_json()).labels == data.info.labels);

  testing::write_file(folder / "dev.tsv", "label\ttext\n3\td\n");
  CHECK_THROWS_WITH_AS(load_own({.train = folder / "train.tsv", .dev = folder / "dev.tsv"}),
                       doctest::Contains("dev.tsv:2: the label is '3'"), Error);
  CHECK_THROWS_WITH_AS(
      load_own({.train = folder / "train.tsv", .text = "body"}),
      doctest::Contains("no column named 'body'\nhint: the columns are: label, text"), Error);
}

TEST_CASE("own data: pairs and regressions") {
  testing::TempDir folder;
  testing::write_file(folder / "t.csv", "premise,hypothesis,score\na,b,1.5\nc,d,-2\n");
  const TaskData data =
      load_own({.train = folder / "t.csv", .dev = folder / "t.csv", .regression = true});
  CHECK(data.info.pair);
  CHECK(data.info.regression);
  CHECK(data.split("train").examples[1].b == "d");
  CHECK(data.split("train").examples[1].label == -2);
  testing::write_file(folder / "t.csv", "premise,hypothesis,score\na,b,high\n");
  CHECK_THROWS_WITH_AS(
      load_own({.train = folder / "t.csv", .dev = folder / "t.csv", .regression = true}),
      doctest::Contains("t.csv:2: the label is 'high', expected a number"), Error);
}

TEST_CASE("a part is held out by the seed alone") {
  testing::TempDir folder;
  std::string text = "text\tlabel\n";
  for (int i = 0; i < 100; ++i)
    text += "t" + std::to_string(i) + "\t" + (i % 2 ? "yes" : "no") + "\n";
  testing::write_file(folder / "t.tsv", text);
  const auto held = [&](uint64_t seed) {
    const TaskData data = load_own({.train = folder / "t.tsv", .held_out = 0.2, .seed = seed});
    CHECK(data.split("train").examples.size() == 80);
    std::set<std::string> texts;
    for (const Example& e : data.split("dev").examples) texts.insert(e.a);
    for (const Example& e : data.split("train").examples) CHECK_FALSE(texts.contains(e.a));
    return texts;
  };
  CHECK(held(1).size() == 20);
  CHECK(held(1) == held(1));
  CHECK(held(1) != held(2));
}
