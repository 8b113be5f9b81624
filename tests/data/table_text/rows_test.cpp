// Tables as prompts and their texts as completions (goldens: LoRA's and prefix-tuning's scripts).
#include "data/table_text/rows.h"

#include <doctest/doctest.h>

#include "engine/base/error.h"
#include "tests/support/paths.h"

using namespace data;
namespace fs = std::filesystem;

TEST_CASE("a row is a table with one of its texts") {
  testing::TempDir temp;
  fs::copy(testing::golden("table_text/e2e.csv"), temp / "trainset.csv");
  fs::copy(testing::golden("table_text/e2e.csv"), temp / "devset.csv");
  testing::write_file(temp / "testset.csv", "MR\n\"name[A], area[riverside]\"\n");
  std::vector<std::string> notes;
  const TaskData data = load_tables(TableTask::e2e, {}, temp.path(), {}, notes);
  CHECK(data.info.kind == "lm");
  CHECK(data.info.key == "e2e");
  CHECK(data.info.text.separator);
  CHECK_FALSE(data.has("test"));  // without a text there is nothing to score
  const TableSet set = read_tables(TableTask::e2e, temp / "trainset.csv");
  const Split& train = data.split("train");
  REQUIRE(train.examples.size() == set.texts());
  CHECK(train.examples[0].a == linearize(set.entries[0], TableTask::e2e, Linearization::lora));
  CHECK(train.examples[0].b == " " + set.entries[0].texts[0].text);
  CHECK(data.split("dev").examples.size() == set.texts());
}

TEST_CASE("LoRA's WebNLG trains on good texts; files may be given one by one") {
  const fs::path file = testing::golden("table_text/webnlg.xml");
  const TableSet set = read_tables(TableTask::webnlg, file);
  size_t good = 0;
  for (const TableEntry& e : set.entries) good += e.references(true).size();
  REQUIRE(good < set.texts());
  OwnData own;
  own.train = file;
  own.dev = file;
  std::vector<std::string> notes;
  TaskData data = load_tables(TableTask::webnlg, own, "", {}, notes);
  CHECK(data.split("train").examples.size() == good);
  CHECK(data.split("dev").examples.size() == set.texts());
  TextRules rules;
  rules.linearization = "prefix-tuning";
  data = load_tables(TableTask::webnlg, own, "", rules, notes);
  CHECK(data.split("train").examples.size() == set.texts());
  CHECK(data.split("train").examples[0].a.starts_with("  | "));
}

TEST_CASE("what a folder of tables lacks is said") {
  testing::TempDir temp;
  std::vector<std::string> notes;
  const auto said = [&](const fs::path& folder) {
    try {
      load_tables(TableTask::dart, {}, folder, {}, notes);
    } catch (const engine::Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(said(temp.path()).find("dart-v1.1.1-full-train.json") != std::string::npos);
  CHECK(said(temp / "nowhere").find("is no folder") != std::string::npos);
  CHECK(is_table_task("webnlg"));
  CHECK_FALSE(is_table_task("lm"));
}
