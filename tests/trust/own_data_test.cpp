// A person's own tables: columns, labels, encodings.
#include "tests/trust/program.h"

using namespace trust;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

namespace {

size_t tabs(const std::string& line) {
  return static_cast<size_t>(std::count(line.begin(), line.end(), '\t'));
}

}  // namespace

TEST_CASE("own data: rows without a label are left out and counted, in every format") {
  const TempDir dir;
  write_file(dir / "a.jsonl",
             "{\"text\":\"the tea\",\"label\":\"good\"}\n{\"text\":\"b\",\"label\":null}\n"
             "{\"text\":\"the film\",\"label\":\"bad\"}\n{\"text\":\"c\",\"label\":\"  \"}\n"
             "{\"text\":\"no label at all\"}\n");
  write_file(dir / "a.tsv", "text\tlabel\nthe tea\tgood\nb\t\nthe film\tbad\nc\t \nd\t\t\n");
  write_file(dir / "b.tsv", "text\tlabel\nthe tea\tgood\nb\t\nthe film\tbad\nc\t \n");
  write_file(dir / "a.csv", "label,text\ngood,the tea\n\"\",b\nbad,the film\n   ,c\n");
  CHECK(works(finetune(dir, dir / "a.csv", "r1")).says("2 rows without a label"));
  CHECK(works(finetune(dir, dir / "b.tsv", "r2")).says("2 rows without a label"));
  refuses(finetune(dir, dir / "a.tsv", "r3"), {"a.tsv:6", "3 fields, expected 2"});
  const Outcome lines = works(finetune(dir, dir / "a.jsonl", "r4"));
  CHECK(lines.says("3 rows without a label"));
  CHECK(lines.says("2 classes"));
}

TEST_CASE("own data: a test file may lack labels, have some, or have -1 for all") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  write_file(dir / "minus.csv", "text,label\nthe tea,-1\nthe film,-1\n");
  write_file(dir / "none.csv", "text,price\nthe tea,3\nthe film,4\n");
  write_file(dir / "some.csv", "text,label\nthe tea,good\nthe film,\n");
  write_file(dir / "all.csv", "text,label\nthe tea,good\nthe film,bad\n");
  int n = 0;
  for (const char* test : {"minus.csv", "none.csv", "some.csv", "all.csv"}) {
    const std::string out = "r" + std::to_string(++n);
    const Outcome o = works(finetune(dir, dir / "t.csv", out, {"--test", (dir / test).string()}));
    size_t rows = 0;
    for (const std::string& line : lines_of(read_file(dir / out / "predictions.tsv")))
      rows += line.starts_with("test\t");
    CHECK(rows == 2);
    CHECK(o.says("test:  accuracy") == (std::string(test) == "all.csv"));
  }
}

TEST_CASE("own data: dev and test have the training file's columns, whatever else is in them") {
  const TempDir dir;
  write_file(dir / "t.csv", "premise,hypothesis,gold_label\nthe tea,hot,a\nthe film,bad,b\n");
  write_file(dir / "d.csv",
             "text,label,gold_label,hypothesis,premise\nx,b,a,hot,the tea\nx,a,b,bad,the film\n");
  works(finetune(dir, dir / "t.csv", "r", {"--dev", (dir / "d.csv").string()}));
  const auto lines = lines_of(read_file(dir / "r" / "predictions.tsv"));
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].starts_with("dev\t0\ta\t"));
  CHECK(lines[2].starts_with("dev\t1\tb\t"));
  write_file(dir / "d.csv", "text,label\nthe tea,a\n");
  refuses(finetune(dir, dir / "t.csv", "r2", {"--dev", (dir / "d.csv").string()}),
          {"d.csv", "premise"});
}

TEST_CASE("own data: blanks around names and labels are not part of them") {
  const TempDir dir;
  write_file(dir / "t.csv", "text, label\nthe tea was good, good\nthe tea was bad, bad\n");
  CHECK(works(finetune(dir, dir / "t.csv", "r")).says("good 1, bad 1"));
  write_file(dir / "t.tsv", " text \t label\nthe tea\tgood\nfilm\tbad \nbook\t good\n");
  CHECK(works(finetune(dir, dir / "t.tsv", "r2")).says("good 2, bad 1"));
  write_file(dir / "t.jsonl",
             "{\"text\":\"a\",\"label\":\"good\"}\n{\"text\":\"b\",\"label\":\"bad\\n\"}\n"
             "{\"text\":\"c\",\"label\":\"bad\"}\n");
  CHECK(works(finetune(dir, dir / "t.jsonl", "r3")).says("good 1, bad 2"));
}

TEST_CASE("own data: labels that differ in case are classes of their own") {
  const TempDir dir;
  write_file(dir / "t.csv", "text,label\nthe tea,us\nthe film,US\nthe book,Us\n");
  CHECK(works(finetune(dir, dir / "t.csv", "r")).says("us 1, US 1, Us 1"));
  const auto lines = lines_of(read_file(dir / "r" / "predictions.tsv"));
  CHECK(lines[0].ends_with("p_us\tp_US\tp_Us"));
  CHECK(lines[2].starts_with("dev\t1\tUS\t"));
}

TEST_CASE("own data: a column may be there twice unless it is used") {
  const TempDir dir;
  write_file(dir / "t.csv", "id,text,label,id,,\n1,the tea,good,2,,\n3,the film,bad,4,,\n");
  works(finetune(dir, dir / "t.csv", "r"));
  write_file(dir / "u.csv", "text,label,text\nthe tea,good,x\nthe film,bad,y\n");
  refuses(finetune(dir, dir / "u.csv", "r2"), {"u.csv", "'text'", "twice"});
  write_file(dir / "v.tsv", "label\ttext\tlabel\ngood\tthe tea\tx\nbad\tthe film\ty\n");
  refuses(finetune(dir, dir / "v.tsv", "r3"), {"v.tsv", "'label'", "twice"});
}

TEST_CASE("own data: UTF-16, other encodings and no text are told apart") {
  const TempDir dir;
  const auto wide = [](const std::string& text, bool mark, bool big) {
    std::string out = !mark ? "" : big ? "\xFE\xFF" : "\xFF\xFE";
    for (const char c : text) {
      if (big) out += '\0';
      out += c;
      if (!big) out += '\0';
    }
    return out;
  };
  int n = 0;
  for (const char* ending : {".csv", ".tsv", ".jsonl"})
    for (const bool mark : {true, false})
      for (const bool big : {true, false}) {
        const std::string name = "w" + std::to_string(++n) + ending;
        const std::string text = std::string(ending) == ".jsonl"
                                     ? "{\"text\":\"a\",\"label\":\"b\"}\n"
                                 : std::string(ending) == ".tsv" ? "text\tlabel\na\tb\n"
                                                                 : "text,label\na,b\n";
        write_file(dir / name, wide(text, mark, big));
        refuses(finetune(dir, dir / name, "r"), {name, "UTF-16", "iconv -f UTF-16"});
      }
  write_file(dir / "l.csv", "text,label\nthe t\xE9,good\nthe film,bad\n");
  refuses(finetune(dir, dir / "l.csv", "r"), {"l.csv:2", "not UTF-8"});
  write_file(dir / "m.csv", "\xEF\xBB\xBFtext,label\nthe tea,good\nthe film,bad\n");
  works(finetune(dir, dir / "m.csv", "m"));
}

TEST_CASE("own data: labels with tabs, line breaks and quotes leave a table a table") {
  const TempDir dir;
  write_file(
      dir / "t.csv",
      "text,label\nthe tea,\"very\tgood\"\nthe film,\"not\nso good\"\nthe book,\"\"\"bad\"\"\"\n");
  works(finetune(dir, dir / "t.csv", "r"));
  const auto lines = lines_of(read_file(dir / "r" / "predictions.tsv"));
  REQUIRE(lines.size() == 4);
  for (const std::string& line : lines) CHECK(tabs(line) == 6);
  CHECK(lines[1].find("very\\tgood") != std::string::npos);
  const Outcome p =
      works({"predict", (dir / "r").string(), (dir / "t.csv").string(), "--out-format", "tsv"});
  for (const std::string& line : lines_of(p.out)) CHECK(tabs(line) == 5);
}

TEST_CASE("own data: empty lines, other separators and keys that are there twice") {
  const TempDir dir;
  write_file(dir / "t.tsv", "text\tlabel\n\nthe tea\tgood\n\n\nthe film\tbad\n\n");
  CHECK(works(finetune(dir, dir / "t.tsv", "r")).says("2 examples"));
  write_file(dir / "t.csv", "\ntext,label\n\nthe tea,good\n\nthe film,bad\n\n");
  CHECK(works(finetune(dir, dir / "t.csv", "r2")).says("2 examples"));
  write_file(dir / "s.csv", "text;label\nthe tea;good\nthe film;bad\n");
  refuses(finetune(dir, dir / "s.csv", "r3"), {"s.csv", "separated by ;"});
  write_file(dir / "c.tsv", "text,label\nthe tea,good\nthe film,bad\n");
  refuses(finetune(dir, dir / "c.tsv", "r4"), {"c.tsv", "separated by ,"});
  write_file(dir / "k.jsonl",
             "{\"text\":\"a\",\"label\":\"x\"}\n"
             "{\"text\":\"b\",\"label\":\"x\",\"label\":\"y\"}\n");
  refuses(finetune(dir, dir / "k.jsonl", "r5"), {"k.jsonl:2", "\"label\"", "twice"});
}

TEST_CASE("own data: only the columns in use matter") {
  const TempDir dir;
  write_file(dir / "t.jsonl",
             "{\"text\":\"the tea\",\"label\":\"a\",\"meta\":{\"x\":[1,2]},\"when\":NaN}\n"
             "{\"label\":\"b\",\"text\":\"the film\",\"meta\":null,\"more\":[[]]}\n"
             "{\"text\":\"the book\",\"label\":\"a\",\"when\":-Infinity}\n");
  CHECK(works(finetune(dir, dir / "t.jsonl", "r")).says("3 examples"));
  write_file(dir / "u.jsonl",
             "{\"text\":\"a\",\"label\":\"a\"}\n{\"text\":{\"x\":1},\"label\":\"b\"}\n");
  refuses(finetune(dir, dir / "u.jsonl", "r2"), {"u.jsonl:2", "'text'"});
  write_file(dir / "v.jsonl",
             "{\"text\":\"a\",\"label\":\"a\"}\n{\"text\":\"b\",\"label\":[\"b\"]}\n");
  refuses(finetune(dir, dir / "v.jsonl", "r3"), {"v.jsonl:2", "'label'"});
}
