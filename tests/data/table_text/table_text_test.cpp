#include "data/table_text/table_text.h"

#include <doctest/doctest.h>

#include "data/table_text/linearize.h"
#include "engine/base/error.h"
#include "engine/io/json.h"
#include "tests/support/paths.h"

using namespace data;
using engine::Error;

namespace {

TableSet golden_set(TableTask task, const std::string& name) {
  return read_tables(task, testing::golden("table_text") / name);
}

// Texts in the order of entries, with their inputs.
std::vector<std::pair<std::string, std::string>> pairs(const TableSet& set, TableTask task,
                                                       Linearization form) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const TableEntry& e : set.entries)
    for (const std::string& text : e.references(true))
      out.emplace_back(linearize(e, task, form), completion(text, form));
  return out;
}

// What reading `text` as a file of that name complains about.
std::string complaint(TableTask task, const std::string& name, const std::string& text) {
  testing::TempDir folder;
  testing::write_file(folder / name, text);
  try {
    read_tables(task, folder / name);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("inputs and texts are those of LoRA's and prefix-tuning's scripts") {
  const engine::Json expected = engine::json_file(testing::golden("table_text") / "expected.json");
  const std::pair<TableTask, std::vector<const char*>> tasks[] = {
      {TableTask::e2e, {"e2e.txt"}},
      {TableTask::webnlg, {"webnlg.json", "webnlg.xml"}},
      {TableTask::dart, {"dart.json", "dart.xml"}}};
  for (const auto& [task, files] : tasks)
    for (const char* file : files) {
      CAPTURE(file);
      const TableSet set = golden_set(task, file);
      auto lora = pairs(set, task, Linearization::lora);
      auto prefix = pairs(set, task, Linearization::prefix_tuning);
      const engine::Json& own = expected.at(table_task_name(task));
      REQUIRE(lora.size() == own.at("lora").size());
      // E2E's third text of the first table stands behind the second table in the file.
      if (task == TableTask::e2e)
        for (auto* list : {&lora, &prefix}) std::swap((*list)[2], (*list)[3]);
      for (size_t i = 0; i < lora.size(); ++i) {
        const engine::Json& item = own.at("lora")[i];
        CHECK(lora[i].first == item.at("context").get<std::string>());
        CHECK(lora[i].second == " " + item.at("completion").get<std::string>());
        CHECK(prefix[i].first + "<B>" + prefix[i].second + "<E>" ==
              own.at("prefix")[i].get<std::string>());
      }
    }
}

TEST_CASE("E2E's CSV gives the inputs of the tokenised set") {
  const TableSet csv = golden_set(TableTask::e2e, "e2e.csv");
  const TableSet txt = golden_set(TableTask::e2e, "e2e.txt");
  REQUIRE(csv.entries.size() == 2);
  CHECK(csv.texts() == 4);
  CHECK(csv.entries[0].texts[1].text == "Near Caf\u00E9 Noir is \"The Blue Heron\".");
  CHECK(csv.entries[0].texts[2].text == "A third text of the first table.");
  CHECK(csv.entries[1].relations[0] == Relation{"", "name", "Old Mill"});
  for (size_t i = 0; i < 2; ++i)
    for (const Linearization form : {Linearization::lora, Linearization::prefix_tuning})
      CHECK(linearize(csv.entries[i], TableTask::e2e, form) ==
            linearize(txt.entries[i], TableTask::e2e, form));
}

TEST_CASE("WebNLG's categories and marks") {
  const TableSet set = golden_set(TableTask::webnlg, "webnlg.xml");
  CHECK(seen_category(set.entries[0].category));
  CHECK_FALSE(seen_category(set.entries[1].category));
  CHECK(set.entries[0].references().size() == 3);
  CHECK(set.entries[0].references(true).size() == 2);
  CHECK(holds(set.entries[1].where, "webnlg.xml:15"));
}

TEST_CASE("JSON lines, folders and sets without texts") {
  testing::TempDir folder;
  testing::write_file(folder / "b.jsonl",
                      "{\"triples\": [[\"a\", \"b\", \"c\"]], \"references\": [\"x\", \"y\"], "
                      "\"category\": \"Food\"}\n\n{\"mr\": \"name[A]\", \"text\": \"z\"}\n");
  testing::write_file(folder / "a.xml",
                      testing::read_file(testing::golden("table_text") / "dart.xml"));
  testing::write_file(folder / "readme.md", "not a set");
  const TableSet set = read_tables(TableTask::dart, folder.path());
  REQUIRE(set.entries.size() == 4);
  CHECK(set.entries[2].references() == std::vector<std::string>{"x", "y"});
  CHECK(set.entries[3].relations[0] == Relation{"", "name", "A"});
  testing::write_file(folder / "test.csv", "MR\n\"name[A], food[B]\"\n");
  const TableSet bare = read_tables(TableTask::e2e, folder / "test.csv");
  CHECK(bare.entries[0].texts.empty());
  CHECK(bare.entries[0].relations.size() == 2);
  testing::write_file(folder / "two.jsonl",
                      "{\"mr\": \"name[A]\", \"references\": [\"\", \"x\"]}\n");
  const TableSet left = read_tables(TableTask::e2e, folder / "two.jsonl");
  CHECK(left.entries[0].references() == std::vector<std::string>{"x"});
  REQUIRE(left.notes.size() == 1);
  CHECK(holds(left.notes[0], "two.jsonl:1: an empty text is left out"));
}

TEST_CASE("what is wrong with a file is said with its line") {
  const TableTask e2e = TableTask::e2e, webnlg = TableTask::webnlg, dart = TableTask::dart;
  CHECK(holds(complaint(e2e, "a.csv", "mr,ref\nname[A],x\nname A,y\n"),
              "a.csv:3: expected name[value]"));
  CHECK(holds(complaint(e2e, "a.csv", "mr,ref\nname[A],x\nname[B],\n"),
              "a.csv:3: an empty reference"));
  CHECK(holds(complaint(e2e, "a.csv", "mr,ref\nname[A]\n"), "a.csv:2: has 1 fields, expected 2"));
  CHECK(holds(complaint(e2e, "a.csv", "x,y\nname[A],z\n"), "no column names the meaning"));
  CHECK(holds(complaint(e2e, "a.csv", "mr,ref\nname[A],\xFFx\n"), "a.csv:2"));
  CHECK(holds(complaint(e2e, "a.csv", ""), "is empty"));
  CHECK(holds(complaint(e2e, "a.txt", "name : A||x\nname : B\n"), "a.txt:2: expected table||text"));
  CHECK(holds(complaint(e2e, "a.xml", "<benchmark/>"), "ends in .csv"));
  CHECK(holds(complaint(webnlg, "a.xml", "<benchmark>\n<entries>\n<entry>"), "not XML"));
  CHECK(holds(complaint(webnlg, "a.xml", "<a/>"), "has no <benchmark><entries>"));
  const std::string head = "<benchmark><entries>\n<entry category=\"Food\"><modifiedtripleset>\n";
  CHECK(holds(complaint(webnlg, "a.xml",
                        head + "<mtriple>a | b</mtriple></modifiedtripleset></entry>"
                               "</entries></benchmark>"),
              "a.xml:3: expected \"subject | property | object\""));
  CHECK(holds(complaint(webnlg, "a.xml",
                        head + "<mtriple>a | b | c</mtriple></modifiedtripleset>\n"
                               "<lex> </lex></entry></entries></benchmark>"),
              "a.xml:2: an empty text"));
  CHECK(holds(complaint(dart, "a.json", "{}"), "is neither"));
  CHECK(holds(complaint(dart, "a.json", "[{\"tripleset\": [[\"a\", \"b\"]]}]"),
              "entry 1: expected [sub"));
  CHECK(holds(complaint(dart, "a.json", "[{\"tripleset\": []}]"), "without relations"));
  CHECK(holds(complaint(dart, "a.jsonl", "{\"text\": \"x\"}"), "a.jsonl:1: has no table"));
  CHECK(holds(complaint(dart, "a.jsonl", "\n{"), "a.jsonl:2: not valid JSON"));
  CHECK_THROWS_WITH_AS(table_task("xsum"), doctest::Contains("e2e, webnlg, dart"), Error);
  CHECK_THROWS_WITH_AS(linearization("gpt3"), doctest::Contains("lora, prefix-tuning"), Error);
}

TEST_CASE("the sets of the papers") {
  const auto shared = testing::shared_dir("data/nlg");
  if (!shared) return;
  const TableSet test = read_tables(TableTask::e2e, *shared / "e2e/testset_w_refs.csv");
  const TableSet txt = read_tables(TableTask::e2e, *shared / "e2e/prefixtuning_src1_test.txt");
  CHECK(test.entries.size() == 630);
  CHECK(test.texts() == 4693);
  REQUIRE(txt.entries.size() == 630);
  for (size_t i = 0; i < 630; ++i)
    CHECK(linearize(test.entries[i], TableTask::e2e, Linearization::lora) ==
          linearize(txt.entries[i], TableTask::e2e, Linearization::lora));
  const TableSet train = read_tables(TableTask::e2e, *shared / "e2e/trainset.tokenised.tsv");
  CHECK(train.texts() == 42061);
  const TableSet unseen =
      read_tables(TableTask::webnlg, *shared / "webnlg_2017/test/testdata_with_lex.xml");
  CHECK(unseen.entries.size() == 1862);
  int64_t seen = 0;
  for (const TableEntry& e : unseen.entries) seen += seen_category(e.category);
  CHECK(seen == 971);
  CHECK(read_tables(TableTask::webnlg, *shared / "webnlg_2017/dev").entries.size() ==
        read_tables(TableTask::webnlg, *shared / "webnlg_2017/dev.json").entries.size());
  CHECK(read_tables(TableTask::dart, *shared / "dart/dart-v1.1.1-full-test.xml").entries.size() ==
        5097);
  CHECK(read_tables(TableTask::dart, *shared / "dart/dart-v1.1.1-full-dev.json").entries.size() ==
        2768);
}
