#include "data/glue.h"

#include <doctest/doctest.h>

#include <set>

#include "data/tsv.h"
#include "engine/base/error.h"
#include "tests/support/paths.h"

using namespace data;
using engine::Error;

namespace {

Split read(const testing::TempDir& folder, const char* task, const char* split,
           const std::string& text) {
  testing::write_file(folder / "file.tsv", text);
  return read_glue_file(glue_task(task), split, folder / "file.tsv");
}

}  // namespace

TEST_CASE("tasks are found by every spelling in use") {
  for (const char* name : {"SST-2", "sst2", "sst-2", "SST_2", "Sst2"})
    CHECK(glue_task(name).key == "sst2");
  for (const char* name : {"STS-B", "stsb", "sts-b"}) CHECK(glue_task(name).key == "stsb");
  for (const char* name : {"MNLI", "mnli-mm", "mnli_matched"}) CHECK(glue_task(name).key == "mnli");
  CHECK(glue_task("diagnostic").key == "ax");
  CHECK(glue_tasks().size() == 10);
  CHECK_FALSE(is_glue_task("imdb"));
  CHECK_THROWS_WITH_AS(glue_task("imdb"),
                       doctest::Contains("cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte, wnli, ax"),
                       Error);
}

TEST_CASE("labels have Hugging Face's order") {
  CHECK(glue_task("mnli").labels ==
        std::vector<std::string>{"entailment", "neutral", "contradiction"});
  CHECK(glue_task("rte").label_index("not_entailment") == 1);
  CHECK(glue_task("wnli").label_name(0) == "not_entailment");
  CHECK(glue_task("stsb").outputs() == 1);
  CHECK(glue_dev_splits(glue_task("mnli")) ==
        std::vector<std::string>{"dev_matched", "dev_mismatched"});
  for (const auto& key : glue_tasks()) {
    const TaskInfo info = glue_task(key);
    CHECK(TaskInfo::from_json(info.to_json()).to_json() == info.to_json());
  }
}

TEST_CASE("quotation marks are letters, a byte order mark and CRLF are no text") {
  testing::TempDir folder;
  const Split split = read(folder, "mrpc", "dev",
                           "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"
                           "1\t7\t8\t\" He said\tno \"\" quote\r\n0\t9\t10\ta\tb\r\n");
  REQUIRE(split.examples.size() == 2);
  CHECK(split.examples[0].a == "\" He said");
  CHECK(split.examples[0].b == "no \"\" quote");
  CHECK(split.examples[0].label == 1);
  CHECK(split.examples[1].id == 1);
}

TEST_CASE("CoLA without and with a header") {
  testing::TempDir folder;
  CHECK(read(folder, "cola", "train", "gj04\t1\t\tIt works.\n").examples[0].a == "It works.");
  CHECK(read(folder, "cola", "train", "gj04\t0\t*\tIt work.").examples[0].label == 0);
  const Split test = read(folder, "cola", "test", "index\tsentence\n0\tIt works.\n");
  CHECK_FALSE(test.labelled());
  CHECK(test.examples[0].a == "It works.");
}

TEST_CASE("columns by name, whatever their place; labels by word or number") {
  testing::TempDir folder;
  const Split split =
      read(folder, "mnli", "dev_matched",
           "gold_label\tlabel1\tsentence2\tsentence1\nneutral\tx\tB\tA\n2\tx\tB\tA\n");
  CHECK(split.examples[0].a == "A");
  CHECK(split.examples[0].label == 1);
  CHECK(split.examples[1].label == 2);
  CHECK_FALSE(read(folder, "rte", "test", "sentence1\tsentence2\tlabel\na\tb\t-1\n").labelled());
}

TEST_CASE("QQP's broken rows are skipped and counted, other tasks' are errors") {
  testing::TempDir folder;
  const Split split = read(folder, "qqp", "train",
                           "id\tqid1\tqid2\tquestion1\tquestion2\tis_"
                           "duplicate\n1\t2\t3\ta\tb\t1\n4\t5\t6\tc\nd\t0\n7\t8\t9\te\tf\t0\n");
  CHECK(split.examples.size() == 2);
  CHECK(split.skipped == 2);
  CHECK(split.examples[1].id == 1);
  CHECK_THROWS_WITH_AS(
      read(folder, "rte", "dev", "index\tsentence1\tsentence2\tlabel\n0\ta\tentailment\n"),
      doctest::Contains("file.tsv:2: has 3 fields, expected 4"), Error);
}

TEST_CASE("damaged files: where, what was found, what to do") {
  testing::TempDir folder;
  CHECK_THROWS_WITH_AS(
      read(folder, "sst2", "dev", "text\tlabel\na\t1\n"),
      doctest::Contains(
          "no column named 'sentence', which SST-2 needs\nhint: the first line has: text, label"),
      Error);
  CHECK_THROWS_WITH_AS(
      read(folder, "sst2", "dev", "sentence\tlabel\na\tgood\n"),
      doctest::Contains("file.tsv:2: the label is 'good', which SST-2 does not have\nhint: its "
                        "labels are 0 to 1, or: negative, positive"),
      Error);
  CHECK_THROWS_WITH_AS(read(folder, "stsb", "dev", "sentence1\tsentence2\tscore\na\tb\t5.1\n"),
                       doctest::Contains("from 0 to 5"), Error);
  CHECK_THROWS_WITH_AS(read(folder, "sst2", "dev", ""), doctest::Contains("is empty"), Error);
  CHECK_THROWS_WITH_AS(read(folder, "sst2", "dev", "sentence\tlabel\n"),
                       doctest::Contains("has no rows of 2 fields"), Error);
  CHECK_THROWS_WITH_AS(read(folder, "sst2", "dev", "sentence\tlabel\nab\xE9 c\t1\n"),
                       doctest::Contains("file.tsv:2: byte 3 of the line (0xE9) is not UTF-8"),
                       Error);
  CHECK_THROWS_WITH_AS(load_glue(folder.path(), "rte"),
                       doctest::Contains("looked for train.tsv, dev.tsv, test.tsv"), Error);
}

TEST_CASE("MNLI's model predicts GLUE's diagnostic set where it is found") {
  testing::TempDir glue;
  const std::string pair = "index\tsentence1\tsentence2\n0\ta\tb\n1\tc\td\n";
  std::filesystem::create_directories(glue / "MNLI");
  std::filesystem::create_directories(glue / "diagnostic");
  testing::write_file(glue / "MNLI" / "test_matched.tsv", pair);
  CHECK_FALSE(load_glue(glue.path(), "mnli").has("test_ax"));
  testing::write_file(glue / "diagnostic" / "diagnostic.tsv", pair);
  for (const auto& folder : {glue.path(), glue / "MNLI"}) {
    const TaskData data = load_glue(folder, "mnli");
    REQUIRE(data.has("test_ax"));
    CHECK(data.splits.at("test_ax").examples.size() == 2);
    CHECK(submission_file(data.info, "test_ax") == "AX.tsv");
  }
}

TEST_CASE("submissions have the server's words") {
  testing::TempDir folder;
  const auto written = [&](const char* task, std::vector<double> predictions) {
    write_submission(folder / "x.tsv", glue_task(task), predictions);
    return testing::read_file(folder / "x.tsv");
  };
  CHECK(written("cola", {1, 0}) == "index\tprediction\n0\t1\n1\t0\n");
  CHECK(written("mnli", {2, 0}) == "index\tprediction\n0\tcontradiction\n1\tentailment\n");
  CHECK(written("rte", {1}) == "index\tprediction\n0\tnot_entailment\n");
  CHECK(written("wnli", {1}) == "index\tprediction\n0\t1\n");
  CHECK(written("stsb", {5.2, -1, 2.5}) ==
        "index\tprediction\n0\t5.000000\n1\t0.000000\n2\t2.500000\n");
  CHECK_THROWS_AS(written("rte", {2}), Error);
  CHECK(submission_file(glue_task("mnli"), "test_mismatched") == "MNLI-mm.tsv");
  CHECK(submission_file(glue_task("ax"), "test") == "AX.tsv");
  CHECK_THROWS_AS(submission_file(glue_task("rte"), "dev"), Error);
}

TEST_CASE("the official files: numbers of rows as published") {
  const auto shared = testing::shared_dir("data/glue");
  if (!shared) return;
  const auto rows = [&](const char* task, const char* split) {
    return load_glue(*shared, task).split(split).examples.size();
  };
  CHECK(rows("cola", "train") == 8551);
  CHECK(rows("cola", "dev") == 1043);
  CHECK(rows("cola", "test") == 1063);
  CHECK(rows("sst2", "train") == 67349);
  CHECK(rows("sst2", "dev") == 872);
  CHECK(rows("mrpc", "train") == 3668);
  CHECK(rows("mrpc", "test") == 1725);
  CHECK(rows("stsb", "train") == 5749);
  CHECK(rows("stsb", "dev") == 1500);
  CHECK(rows("rte", "train") == 2490);
  CHECK(rows("rte", "dev") == 277);
  CHECK(rows("wnli", "dev") == 71);
  CHECK(rows("qnli", "dev") == 5463);
  CHECK(rows("ax", "test") == 1104);
  CHECK_THROWS_WITH_AS(load_glue(*shared, "qnli").split("train"),
                       doctest::Contains("found were: dev, test"), Error);
}

TEST_CASE("MRPC rebuilt from Microsoft's files equals GLUE's") {
  const auto shared = testing::shared_dir("data/glue/MRPC");
  if (!shared) return;
  testing::TempDir folder;
  for (const char* name : {"msr_paraphrase_train.txt", "msr_paraphrase_test.txt", "dev_ids.tsv"})
    std::filesystem::copy(*shared / name, folder / name);
  const TaskData rebuilt = load_glue(folder.path(), "mrpc"), official = load_glue(*shared, "mrpc");
  const auto contents = [](const Split& split) {
    std::multiset<std::string> all;
    for (const Example& e : split.examples)
      all.insert(e.a + "\t" + e.b + "\t" + std::to_string(e.label.value_or(-1)));
    return all;
  };
  CHECK(contents(rebuilt.split("dev")) == contents(official.split("dev")));
  CHECK(contents(rebuilt.split("train")) == contents(official.split("train")));
  CHECK(rebuilt.split("test").examples.size() == 1725);
}

TEST_CASE("copies of GLUE in other shapes") {
  const auto shared = testing::shared_dir("data/glue-partial/QQP/train.first23495.as-found.tsv");
  if (!shared) return;
  const Split split =
      read_glue_file(glue_task("qqp"), "train", *shared);  // no header, and its first row is broken
  CHECK(split.examples.size() == 23496);
  CHECK(split.skipped == 1);
}
