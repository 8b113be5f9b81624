#include "data/own.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <sstream>

#include "data/rows.h"
#include "data/table.h"
#include "engine/base/error.h"
#include "tests/support/paths.h"

using namespace data;
using engine::Error;
using Cells = std::vector<std::string>;

TEST_CASE("CSV: quotes, commas, line breaks, CRLF, spaces; lines are counted through them") {
  testing::TempDir folder;
  testing::write_file(folder / "a.csv",
                      "\xEF\xBB\xBFtext,label\r\n\"a, \"\"b\"\"\r\nc\", x \r\n\r\nd,y\r\n");
  const Table table = read_table(folder / "a.csv");
  CHECK(table.columns == Cells{"text", "label"});
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0] == Cells{"a, \"b\"\r\nc", " x "});
  CHECK(table.lines == std::vector<int64_t>{2, 5});
}

TEST_CASE("JSON lines: text, numbers and truth values become text") {
  testing::TempDir folder;
  testing::write_file(
      folder / "a.jsonl",
      "{\"text\": \"\u00E9\", \"label\": 1}\n\n{\"label\": true, \"text\": \"b\", \"more\": []}\n");
  const Table table = read_table(folder / "a.jsonl");
  CHECK(table.rows == std::vector<Cells>{{"\u00E9", "1"}, {"b", "true"}});
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
  CHECK(error("a.csv", "a,b\n").find("no rows") != std::string::npos);
  CHECK(error("a.tsv", "a\tb\n1\n").find("a.tsv:2: has 1 fields") != std::string::npos);
  CHECK(error("a.jsonl", "{\"a\": 1}\n[1]\n").find("a.jsonl:2: is not a JSON object") !=
        std::string::npos);
  CHECK(error("a.xlsx", "x").find("known are .tsv, .csv and .jsonl") != std::string::npos);
}

TEST_CASE("own data: columns guessed, classes in the file's order and case, integers by value") {
  testing::TempDir folder;
  testing::write_file(folder / "train.tsv", "label\ttext\n10\ta\n2\tb\n10\tc\n");
  testing::write_file(folder / "dev.tsv", "label\ttext\n2\td\n");
  const TaskData data = load_own({.train = folder / "train.tsv", .dev = folder / "dev.tsv"});
  CHECK(data.info.labels == Cells{"2", "10"});
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
      load_own({.train = folder / "t.csv", .dev = folder / "t.csv", .kind = "regress"});
  CHECK(data.info.pair);
  CHECK(data.info.regression);
  CHECK(data.split("train").examples[1].b == "d");
  CHECK(data.split("train").examples[1].label == -2);
  testing::write_file(folder / "t.csv", "premise,hypothesis,score\na,b,high\n");
  CHECK_THROWS_WITH_AS(
      load_own({.train = folder / "t.csv", .dev = folder / "t.csv", .kind = "regress"}),
      doctest::Contains("t.csv:2: the label is 'high', expected a number"), Error);
}

TEST_CASE("own data: what nobody reads may be absent, nested or NaN") {
  testing::TempDir folder;
  testing::write_file(folder / "t.jsonl",
                      "{\"text\": \"a \\ud83d\", \"label\": \"Good\", \"w\": NaN, \"m\": [1]}\n"
                      "{\"text\": \"b\", \"label\": \"bad\"}\n");
  const TaskData data = load_own({.train = folder / "t.jsonl", .dev = folder / "t.jsonl"});
  CHECK(data.info.labels == Cells{"Good", "bad"});
  CHECK(data.split("train").examples[0].a == "a \uFFFD");
  testing::write_file(
      folder / "array.json",
      "[{\"text\": \"a\", \"label\": \"x\"},\n {\"text\": \"b\", \"label\": \"y\"}]");
  CHECK(load_own({.train = folder / "array.json", .dev = folder / "array.json"})
            .split("train")
            .examples.size() == 2);
  testing::write_file(folder / "t.jsonl",
                      "{\"text\": [1], \"label\": \"x\"}\n{\"label\": \"y\"}\n");
  CHECK_THROWS_WITH_AS(load_own({.train = folder / "t.jsonl", .dev = folder / "t.jsonl"}),
                       doctest::Contains("t.jsonl:1: has no text or number in 'text': [1]"), Error);
}

TEST_CASE(
    "own data: rows without a label are left out and counted, and read without labels in a test "
    "set") {
  testing::TempDir folder;
  testing::write_file(folder / "t.csv", "text,label\na,Yes\nb,\nc,no\nd, \ne,yes\n");
  testing::write_file(folder / "test.csv", "text,label\na,no\nb,-1\n");
  testing::write_file(folder / "other.csv", "text,score\na,0.5\n");
  const TaskData data =
      load_own({.train = folder / "t.csv", .dev = folder / "t.csv", .test = folder / "test.csv"});
  CHECK(data.info.labels == Cells{"Yes", "no", "yes"});
  CHECK(data.split("train").examples.size() == 3);
  CHECK(data.split("train").skipped == 2);
  CHECK(data.split("train").examples[2].id == 4);  // the row of the file
  CHECK_FALSE(data.split("test").labelled());
  // Another column than the training file's is no label.
  CHECK_FALSE(
      load_own({.train = folder / "t.csv", .dev = folder / "t.csv", .test = folder / "other.csv"})
          .split("test")
          .labelled());
  CHECK_THROWS_WITH_AS(load_own({.train = folder / "t.csv", .dev = folder / "other.csv"}),
                       doctest::Contains("no column named 'label'"), Error);
}

TEST_CASE("own data: several labels a text, in JSON or between bars") {
  testing::TempDir folder;
  testing::write_file(
      folder / "t.jsonl",
      "{\"text\": \"a\", \"labels\": [\"x\", \"y\"]}\n{\"text\": \"b\", \"labels\": []}\n"
      "{\"text\": \"c\", \"labels\": [\"z\"]}\n");
  testing::write_file(folder / "t.csv", "text,labels\na,x|y\nb,\nc, z \n");
  for (const char* file : {"t.jsonl", "t.csv"}) {
    const TaskData data =
        load_own({.train = folder / file, .dev = folder / file, .kind = "multilabel"});
    CHECK(data.info.labels == Cells{"x", "y", "z"});
    const auto& examples = data.split("train").examples;
    REQUIRE(examples.size() == 3);
    CHECK(examples[0].labels == std::vector<int32_t>{0, 1});
    CHECK(examples[1].labels.empty());
    CHECK(examples[2].labels == std::vector<int32_t>{2});
  }
}

TEST_CASE("rows come one by one, and go out with what was added") {
  const std::string csv = "text,id\n\"a, \"\"b\"\"\nc\",1\nd,2\n";
  std::istringstream in(csv);
  const auto rows = open_rows(in, Format::csv, "in");
  std::ostringstream tsv, same, json;
  RowWriter to_tsv(tsv, Format::tsv, rows->columns(), {"prediction", "id"});
  RowWriter to_csv(same, Format::csv, rows->columns(), {});
  RowWriter to_json(json, Format::jsonl, rows->columns(), {"p"});
  for (data::Row row; rows->next(row);) {
    to_tsv.write(row, {"yes", 0.5});
    to_csv.write(row, {});
    to_json.write(row, {0.25});
  }
  CHECK(same.str() == csv);
  CHECK(tsv.str() == "text\tid\tprediction\tid_2\na, \"b\"\\nc\t1\tyes\t0.5\nd\t2\tyes\t0.5\n");
  CHECK(json.str().find("{\"text\":\"d\",\"id\":\"2\",\"p\":0.25}\n") != std::string::npos);

  const std::vector<std::string> text = {"text"};
  CHECK(sniff_format("{\"text\": \"a\"}", text) == Format::jsonl);
  CHECK(sniff_format("id\ttext\r\n", text) == Format::tsv);
  CHECK(sniff_format("id,\"text\"", text) == Format::csv);
  CHECK(sniff_format("good food, kind people", text) == Format::lines);
  std::istringstream pipe("first\nsecond");
  std::string first;
  const auto all = look_at_first_line(pipe, first);
  CHECK(first == "first");
  const auto lines = open_rows(*all, Format::lines, "in");
  data::Row row;
  REQUIRE(lines->next(row));
  CHECK(row.cells[0] == "first");
  REQUIRE(lines->next(row));
  CHECK(row.cells[0] == "second");
  CHECK_FALSE(lines->next(row));
}

TEST_CASE("of every class the same share is held out") {
  testing::TempDir folder;
  std::string text = "text\tlabel\n";
  for (int i = 0; i < 200; ++i)
    text += "t" + std::to_string(i) + "\t" +
            (i % 20 == 3  ? "rare"
             : i % 4 == 0 ? "some"
                          : "most") +
            "\n";
  testing::write_file(folder / "t.tsv", text);
  for (const uint64_t seed : {1, 2, 3}) {
    const TaskData data = load_own({.train = folder / "t.tsv", .held_out = 0.1, .seed = seed});
    std::map<double, int> counts;
    for (const Example& e : data.split("dev").examples) ++counts[*e.label];
    CHECK(data.split("dev").examples.size() == 20);
    CHECK(counts[*data.info.label_index("rare")] == 1);
    CHECK(counts[*data.info.label_index("some")] == 5);
    CHECK(counts[*data.info.label_index("most")] == 14);
  }
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
