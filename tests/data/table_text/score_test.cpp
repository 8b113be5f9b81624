#include "data/table_text/score.h"

#include <doctest/doctest.h>

#include "data/table_text/outputs.h"
#include "data/table_text/slots.h"
#include "engine/base/error.h"
#include "tests/support/paths.h"

using namespace data;
using doctest::Approx;
using engine::Error;

namespace {

const std::string kReferences =
    "mr,ref\n"
    "\"name[Old Mill], eatType[pub], area[riverside]\",Old Mill is a pub by the river.\n"
    "\"name[Old Mill], eatType[pub], area[riverside]\",\"By the river, there is the pub Old "
    "Mill.\"\n"
    "\"name[Aromi], food[French], familyFriendly[no]\",Aromi serves French food to adults only.\n";

struct Files {
  testing::TempDir folder;
  std::filesystem::path add(const std::string& name, const std::string& text) {
    testing::write_file(folder / name, text);
    return folder / name;
  }
};

double value(const ScoredSet& set, const std::string& name) {
  for (const Score& s : set.scores)
    if (s.name == name) return s.value;
  FAIL("no score named " << name);
  return 0;
}

std::vector<ScoredSet> score(TableTask task, const std::filesystem::path& hypotheses,
                             const std::vector<std::filesystem::path>& references,
                             ScoreOptions options = {}) {
  return score_outputs(task, read_outputs(task, hypotheses, references), options);
}

bool has(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE(text);
  return found;
}

SlotErrors slots(const std::string& meaning, const std::string& text) {
  TableEntry entry;
  entry.relations = parse_meaning(meaning, "test");
  return e2e_slot_errors({&entry}, {text});
}

}  // namespace

TEST_CASE("hypotheses of lines, of a table in another order, and blocks of references") {
  Files files;
  const auto references = files.add("refs.csv", kReferences);
  const auto lines = files.add("hyp.txt", "Old Mill is a pub by the river.\nAromi serves food.\n");
  const auto table =
      files.add("hyp.tsv",
                "MR\toutput\n\"name[Aromi], food[French], familyFriendly[no]\"\tAromi "
                "serves food.\n\"name[Old Mill], eatType[pub], area[riverside]\"\tOld "
                "Mill is a pub by the river.\n");
  const auto blocks = files.add("refs.txt",
                                "Old Mill is a pub by the river.\nBy the river, there is the pub "
                                "Old Mill.\n\nAromi serves French food to adults only.\n");
  const auto a = score(TableTask::e2e, lines, {references});
  CHECK(a[0].hypotheses == 2);
  CHECK(a[0].references == 3);
  CHECK(value(a[0], "BLEU") > 0.5);
  const auto b = score(TableTask::e2e, table, {references});
  const auto c = score(TableTask::e2e, lines, {blocks});
  for (const char* name : {"BLEU", "NIST", "METEOR", "ROUGE-L", "CIDEr"}) {
    CHECK(value(b[0], name) == Approx(value(a[0], name)).epsilon(1e-12));
    CHECK(value(c[0], name) == Approx(value(a[0], name)).epsilon(1e-12));
  }
  // French and adults-only are left out.
  CHECK(value(a[0], "slot errors") == Approx(2.0 / 6));
  ScoreOptions more;
  more.more = true;
  more.way = ScoreWay::lora;
  const auto d = score(TableTask::e2e, lines, {references}, more);
  CHECK(value(d[0], "sacreBLEU") > 50);
  const auto json = to_json(TableTask::e2e, ScoreWay::lora, d);
  CHECK(json["sets"]["all"]["scores"]["BLEU"]["method"] == "measure_scores.py -p");
}

TEST_CASE("WebNLG by seen and unseen categories; DART from XML and from lines") {
  Files files;
  const auto hypotheses =
      files.add("hyp.txt", "Lemon cake comes from Norway.\nAna Muller was born in Porto.\n");
  const auto xml = testing::golden("table_text") / "webnlg.xml";
  const auto sets = score(TableTask::webnlg, hypotheses, {xml});
  REQUIRE(sets.size() == 3);
  CHECK(sets[1].name == "seen");
  CHECK(value(sets[1], "BLEU") == Approx(100));
  CHECK(value(sets[1], "TER") == 0);
  CHECK(value(sets[2], "BLEU") < 100);
  ScoreOptions lora;
  lora.way = ScoreWay::lora;
  CHECK(value(score(TableTask::webnlg, hypotheses, {xml}, lora)[1], "TER") == 0);

  const auto dart =
      files.add("dart.txt", "hill college joined in 1973 .\nit is about ana müller .\n");
  const auto by_xml = score(TableTask::dart, dart, {testing::golden("table_text") / "dart.xml"});
  CHECK(value(by_xml[0], "TER") == 0);
  const auto lex = std::vector<std::filesystem::path>{
      files.add("0.lex",
                "a school from mars , north , joined in 1973 .\nit is about ana müller .\n"),
      files.add("1.lex", "hill college joined in 1973 .\n\n")};
  CHECK(value(score(TableTask::dart, dart, lex)[0], "BLEU") == Approx(value(by_xml[0], "BLEU")));
  const auto cased =
      files.add("cased.txt", "Hill College joined in 1973.\nIt is about Ana Müller.\n");
  ScoreOptions apart;
  apart.tokenize = true;
  CHECK(value(score(TableTask::dart, cased, lex, apart)[0], "BLEU") ==
        Approx(value(by_xml[0], "BLEU")));
}

TEST_CASE("what does not fit is said with its line") {
  Files files;
  const auto references = files.add("refs.csv", kReferences);
  const auto complaint = [&](const std::filesystem::path& h,
                             const std::vector<std::filesystem::path>& r,
                             TableTask task = TableTask::e2e) -> std::string {
    try {
      read_outputs(task, h, r);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  const auto few = complaint(files.add("few.txt", "One.\n"), {references});
  CHECK(has(few, "few.txt:2: there is no such line: 1 hypotheses for 2"));
  CHECK(has(few, "refs.csv:4"));
  CHECK(has(complaint(files.add("many.txt", "1\n2\n3\n"), {references}),
            "many.txt:3: a line too many"));
  CHECK(has(complaint(files.add("bytes.txt", "One.\nTw\xFFo.\n"), {references}),
            "bytes.txt:2: byte 3"));
  CHECK(has(complaint(files.add("empty.txt", ""), {references}), "is empty"));
  CHECK(has(complaint(files.add("a.tsv", "MR\toutput\nname[X]\tX.\n"), {references}),
            "a.tsv:2: no reference for the table \"name[X]\""));
  CHECK(has(
      complaint(
          files.add("b.tsv", "MR\toutput\n\"name[Aromi], food[French], familyFriendly[no]\"\tA.\n"),
          {references}),
      "has no output for 1 of 2 tables, the first is"));
  CHECK(has(complaint(files.add("c.tsv", "x\ty\n1\t2\n"), {references}),
            "no column names the table"));
  const auto two = files.add("two.txt", "One.\nTwo.\n");
  const auto lex0 = files.add("0.lex", "one\n\n");
  CHECK(has(complaint(two, {lex0, files.add("1.lex", "uno\n\n")}, TableTask::dart),
            "0.lex:2: line 2 is empty in every file"));
  CHECK(has(complaint(two, {lex0, files.add("2.lex", "uno\n")}, TableTask::dart),
            "2.lex: has 1 lines, but"));
  CHECK(has(complaint(two, {files.add("nothing.csv", "MR\nname[A]\nname[B]\n")}),
            "nothing.csv:2: a table without references"));
  CHECK(has(complaint(two, {"no/such/file.csv"}), "there is no such file"));
  const Outputs with_empty =
      read_outputs(TableTask::e2e, files.add("gap.txt", "One.\n\n"), {references});
  REQUIRE(with_empty.notes.size() == 1);
  CHECK(has(with_empty.notes[0], "hypothesis 2 is empty"));
  CHECK_THROWS_WITH_AS(score_way("mine"), doctest::Contains("official, lora"), Error);
}

TEST_CASE("slot errors") {
  const char* table =
      "name[Blue Spice], eatType[coffee shop], priceRange[less than £20], customer rating[5 out of "
      "5], area[riverside], familyFriendly[yes], near[Café Rouge]";
  const SlotErrors none =
      slots(table,
            "Blue Spice is a family-friendly coffee shop by the river near Café "
            "Rouge. It is cheap and has a 5 out of 5 customer rating.");
  CHECK(none.slots == 7);
  CHECK(none.missing == 0);
  CHECK(none.invented == 0);
  const SlotErrors some =
      slots(table,
            "Blue Spice is a French pub in the city centre. It isn't kid friendly "
            "and is expensive.");
  CHECK(some.missing == 6);   // all but the name
  CHECK(some.invented == 5);  // French, pub, city centre, expensive, not for kids
  CHECK(slots("name[The Mill], priceRange[£20-25]", "The Mill costs £ 20 - 25.").missing == 0);
  CHECK(slots("name[The Mill], familyFriendly[no]", "Mill is for adults only.").missing == 0);
  CHECK(slots("name[The Mill]", "The Mill's a restaurant.").invented == 0);
  CHECK(slots("name[X], near[Café Sicilia]", "X is near Café Sicilia.").invented == 0);
  // The value belongs to the nearer noun.
  const SlotErrors near = slots("name[X], priceRange[high], customer rating[average]",
                                "X has a high price range and an average customer rating.");
  CHECK(near.missing == 0);
  CHECK(near.invented == 0);
  CHECK(slots("name[X], priceRange[cheap]", "X has a price range that is cheap.").missing == 0);
  CHECK(slots("name[X], priceRange[high]", "X's price range is high.").missing == 0);
  CHECK(slots("name[X], wifi[free]", "X has nothing.").missing == 1);
  CHECK_THROWS_AS(e2e_slot_errors({}, {"x"}), Error);
}

TEST_CASE("published scores of E2E, WebNLG and DART systems") {
  const auto shared = testing::shared_dir("data/nlg");
  const auto folder = metrics::WordNet::find();
  if (!shared || !folder) return;
  const metrics::WordNet wordnet(*folder);
  ScoreOptions options;
  options.wordnet = &wordnet;
  const auto tgen = score(TableTask::e2e, *shared / "fixtures/e2e/tgen.tsv",
                          {*shared / "e2e/testset_w_refs.csv"}, options)[0];
  CHECK(value(tgen, "BLEU") == Approx(0.6592719327817853).epsilon(1e-12));
  CHECK(value(tgen, "NIST") == Approx(8.6094).epsilon(0.00005 / 8));
  CHECK(value(tgen, "ROUGE-L") == Approx(0.685022628460141).epsilon(1e-12));
  CHECK(value(tgen, "CIDEr") == Approx(2.2338463877854293).epsilon(1e-12));
  const auto webnlg =
      score(TableTask::webnlg, *shared / "fixtures/webnlg/bart-large_webnlg-all.txt",
            {*shared / "webnlg_2017/test/testdata_with_lex.xml"}, options);
  const double bleu[] = {58.06, 64.51, 50.20}, ter[] = {0.3773, 0.3231, 0.4414};
  REQUIRE(webnlg.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(std::abs(value(webnlg[i], "BLEU") - bleu[i]) <= 0.005);
    CHECK(std::abs(value(webnlg[i], "TER") - ter[i]) <= 0.00005);
  }
}
