// Another person's run.json in a report: text, and nothing that a reader's program would run.
#include "engine/io/json.h"
#include "tests/trust/program.h"

using namespace trust;
using engine::Json;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

namespace {

// A finished run's record in which every text is `evil`.
Json poisoned(Json json, const std::string& evil, const std::string& key = "") {
  if (json.is_object()) {
    for (auto& [name, value] : json.items()) value = poisoned(value, evil, name);
    return json;
  }
  if (json.is_array()) {
    for (Json& value : json) value = poisoned(value, evil, key);
    return json;
  }
  const bool structural = key == "schema" || key == "status";
  return json.is_string() && !structural ? Json(evil) : json;
}

}  // namespace

TEST_CASE("reports: a stranger's texts stay text in every format") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  works(finetune(dir, dir / "t.csv", "r"));
  const Json record = engine::json_file(dir / "r" / "run.json");
  for (const std::string& evil : std::vector<std::string>{
           "\x1b[2J\x1b]0;title\x07gone", "=HYPERLINK(\"http://x\",\"y\")", "a|b\n# Title\n- item",
           "[click](javascript:alert(1)) ![i](http://x/y.png) <img src=x onerror=alert(1)>",
           "</script><script>alert(1)</script>", "\t=1+1", "\u202Egnp.exe",
           "\\input{/etc/passwd} $x$", "line\rover"}) {
    CAPTURE(evil);
    fs::remove_all(dir / "s");
    fs::create_directories(dir / "s" / "one");
    write_file(dir / "s" / "one" / "run.json", engine::json_text(poisoned(record, evil), 1));
    const auto report = [&](const Words& more) {
      Words words = {"compare", (dir / "s").string()};
      words.insert(words.end(), more.begin(), more.end());
      return works(words).out;
    };
    const std::string terminal = report({});
    for (const char c : terminal) CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
    CHECK(terminal.find("\u202E") == std::string::npos);
    report({"--markdown", (dir / "r.md").string(), "--csv", (dir / "r.csv").string(), "--html",
            (dir / "r.html").string()});
    const std::string markdown = read_file(dir / "r.md");
    CHECK(markdown.find('\x1b') == std::string::npos);
    CHECK(markdown.find("\n# Title") == std::string::npos);
    CHECK(markdown.find("\n- item") == std::string::npos);
    for (const std::string& line : lines_of(markdown)) {  // links and images only inside `code`
      std::string outside;
      bool code = false;
      for (const char c : line) {
        if (c == '`') code = !code;
        if (!code) outside += c;
      }
      CHECK(outside.find("](") == std::string::npos);
      CHECK(outside.find("<img") == std::string::npos);
      CHECK(outside.find("<script") == std::string::npos);
    }
    for (const std::string& line : lines_of(read_file(dir / "r.csv")))
      for (size_t at = 0; at != std::string::npos; at = line.find(',', at + 1)) {
        size_t cell = at == 0 ? 0 : at + 1;
        while (cell < line.size() && (line[cell] == '"' || line[cell] == ' ' || line[cell] == '\t'))
          ++cell;
        if (cell < line.size()) CHECK(std::string("=+@").find(line[cell]) == std::string::npos);
      }
    const std::string page = read_file(dir / "r.html");
    CHECK(page.find("<script>alert(1)") == std::string::npos);
    CHECK(page.find("<img src=x") == std::string::npos);
  }
}

TEST_CASE("reports: names from a person's own data stay text on the terminal") {
  const TempDir dir;
  write_file(dir / "t.jsonl",
             "{\"text\":\"the tea\",\"label\":\"\\u001b[31mred\\u001b[0m\"}\n"
             "{\"text\":\"the film\",\"label\":\"plain\\u0007\"}\n"
             "{\"text\":\"the book\",\"label\":\"\\u202egnp\"}\n");
  const auto clean = [](const std::string& text) {
    for (const char c : text)
      CHECK((c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 0x20));
    CHECK(text.find("\u202E") == std::string::npos);
  };
  const Outcome trained = works(finetune(dir, dir / "t.jsonl", "r"));
  clean(trained.out);
  clean(trained.err);
  const Outcome scored = works({"evaluate", (dir / "r").string(), (dir / "t.jsonl").string()});
  clean(scored.out);
  clean(scored.err);
  // Messages quote what they found.
  write_file(dir / "u.jsonl", "{\"text\":\"a\",\"label\":\"\\u001b]0;title\\u0007\"}\n");
  const Outcome wrong = peft({"evaluate", (dir / "r").string(), (dir / "u.jsonl").string()});
  CHECK(wrong.code == 1);
  clean(wrong.err);
}

TEST_CASE("reports: names of folders and files, and a record of other types, stay text too") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  works(finetune(dir, dir / "t.csv", "r"));
  fs::create_directories(dir / "s");
  const std::string evil = "=1+1 \x1b[2J <b>x|y";
  fs::copy(dir / "r", dir / "s" / evil, fs::copy_options::recursive);
  const Outcome o = works({"compare", (dir / "s").string(), "--markdown", (dir / "m.md").string(),
                           "--csv", (dir / "c.csv").string(), "--html", (dir / "p.html").string()});
  CHECK(o.out.find('\x1b') == std::string::npos);
  for (const char* file : {"m.md", "c.csv", "p.html"})
    CHECK(read_file(dir / file).find('\x1b') == std::string::npos);
  CHECK(read_file(dir / "p.html").find("<b>x") == std::string::npos);
  for (const std::string& line : lines_of(read_file(dir / "c.csv"))) {
    CHECK_FALSE(line.starts_with("=1"));
    CHECK(line.find(",=1") == std::string::npos);
    CHECK(line.find(",\"=1") == std::string::npos);
  }
  // Every field of another type, one at a time: the run is passed over or shown, never a crash.
  const Json record = engine::json_file(dir / "r" / "run.json");
  for (const auto& [key, value] : record.items())
    for (const Json& other : {Json(), Json(7), Json("x"), Json::array({1}), Json::object()}) {
      const auto& this_key = key;
      CAPTURE(this_key);
      Json changed = record;
      changed[key] = other;
      fs::remove_all(dir / "s");
      fs::create_directories(dir / "s" / "one");
      write_file(dir / "s" / "one" / "run.json", engine::json_text(changed));
      const int code = peft({"compare", (dir / "s").string()}).code;
      CHECK((code == 0 || code == 1));
    }
}
