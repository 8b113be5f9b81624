// peft predict and evaluate: a run, its adapter elsewhere and the merged model say the same of the
// same texts, with what the run knew.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "apps/merge/merge.h"
#include "apps/predict/command.h"
#include "engine/base/atomic_file.h"
#include "run/finetune.h"
#include "run/predictor.h"
#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;
using run::FinetuneSettings;

const char* kTokenizer = "data/pretrained/peft-2x256";

FinetuneSettings tiny(const fs::path& train, const fs::path& out) {
  FinetuneSettings s;
  s.train = train.string();
  s.model = "random:layers=2,hidden=16,heads=2,ffn=32,positions=32";
  s.tokenizer = (testing::source_dir() / kTokenizer).string();
  s.strategy = "lora:r=2";
  s.out = out.string();
  s.max_length = 8;  // cuts some
  s.batch_size = 4;
  s.epochs = 4;
  s.lr = 2e-2;
  s.threads = 2;
  s.seed = 7;
  return s;
}

std::string words(int i) {
  const char* subject[] = {"a lovely warm film", "a dull cold film", "kind people and great food",
                           "rude people"};
  return engine::concat(subject[i % 4], i % 3 == 0 ? " that goes on and on and on, for hours" : "");
}

// 24 rows: text, a number, a class of three in an order that is not sorted.
void write_data(const fs::path& file) {
  std::string csv = "id,body,stars,class\n";
  const char* classes[] = {"good", "Bad", "good", "awful"};
  for (int i = 0; i < 24; ++i)
    csv += engine::concat(i, ",\"", words(i), "\",", 100 + 10 * (i % 4), ",", classes[i % 4], "\n");
  testing::write_file(file, csv);
}

struct Said {
  int code = 0;
  std::string out, err;
};

Said command(int (*run)(int, const char* const*), const char* name,
             std::vector<std::string> arguments, const std::string& input = "") {
  std::vector<const char*> argv = {name};
  for (const std::string& a : arguments) argv.push_back(a.c_str());
  std::ostringstream out, err;
  std::istringstream in(input);
  auto* o = std::cout.rdbuf(out.rdbuf());
  auto* e = std::cerr.rdbuf(err.rdbuf());
  auto* i = std::cin.rdbuf(in.rdbuf());
  Said said;
  try {
    said.code = run(static_cast<int>(argv.size()), argv.data());
  } catch (const engine::Error& error) {
    said.code = 1;
    err << error.what();
  }
  std::cout.rdbuf(o);
  std::cerr.rdbuf(e);
  std::cin.rdbuf(i);
  std::cin.clear();
  said.out = out.str();
  said.err = err.str();
  return said;
}
Said predict(std::vector<std::string> arguments, const std::string& input = "") {
  return command(apps::predict_command, "predict", std::move(arguments), input);
}
Said evaluate(std::vector<std::string> arguments) {
  return command(apps::evaluate_command, "evaluate", std::move(arguments));
}

std::vector<std::vector<std::string>> table(const std::string& text, char between) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells;
    std::istringstream fields(line);
    for (std::string cell; std::getline(fields, cell, between);) cells.push_back(cell);
    rows.push_back(cells);
  }
  return rows;
}

}  // namespace

TEST_CASE(
    "a run, its adapter in another folder and the merged model predict what the run predicted") {
  testing::TempDir temp;
  setenv("PEFT_DATA", (testing::source_dir() / "data").c_str(), 1);
  const fs::path data = temp / "d.csv", out = temp / "run";
  write_data(data);
  FinetuneSettings s = tiny(data, out);
  s.dev = s.test = data.string();
  s.text = "body";
  s.label = "class";
  run::Watcher quiet;
  const engine::Json record = run::finetune(s, quiet).record;
  CHECK(record.at("task_info").at("labels") == engine::Json({"good", "Bad", "awful"}));
  CHECK(record.at("test_metrics").at("test").at("report").contains("confusion"));
  const auto own = table(testing::read_file(out / "predictions.tsv"), '\t');
  REQUIRE(own[0] == std::vector<std::string>{"split", "index", "label", "prediction", "p_good",
                                             "p_Bad", "p_awful"});

  fs::copy(out / "adapter", temp / "elsewhere", fs::copy_options::recursive);
  std::ostringstream log;
  apps::merge_adapter({s.model, out, temp / "merged", "F32", 0}, log);
  const std::vector<std::vector<std::string>> ways = {
      {out.string(), data.string()},
      {"--adapter", (temp / "elsewhere").string(), "--data", data.string()},
      {"--model", s.model, "--adapter", out.string(), "--data", data.string()},
      {"--model", (temp / "merged").string(), "--data", data.string()}};
  for (const auto& way : ways) {
    CAPTURE(way[0]);
    CAPTURE(way[1]);
    std::vector<std::string> arguments = way;
    arguments.insert(arguments.end(), {"--out", (temp / "p.tsv").string()});
    const Said said = predict(arguments);
    REQUIRE_MESSAGE(said.code == 0, said.err);
    CHECK(said.err.find("rows/s") != std::string::npos);
    CHECK(said.err.find("were cut to 8 tokens") != std::string::npos);
    const auto rows = table(testing::read_file(temp / "p.tsv"), '\t');
    REQUIRE(rows.size() == 25);
    CHECK(rows[0] == std::vector<std::string>{"id", "body", "stars", "class", "prediction",
                                              "p_good", "p_Bad", "p_awful"});
    for (size_t i = 1; i <= 24; ++i) {
      CHECK(rows[i][0] == std::to_string(i - 1));
      CHECK(rows[i][4] == own[i][3]);
      for (size_t c = 0; c < 3; ++c)
        CHECK(std::stod(rows[i][5 + c]) == doctest::Approx(std::stod(own[i][4 + c])).epsilon(1e-4));
    }
    std::vector<std::string> scored = way;
    scored.push_back("--json");
    const Said scores = evaluate(scored);
    REQUIRE_MESSAGE(scores.code == 0, scores.err);
    const engine::Json json = engine::parse_json(scores.out, "evaluate");
    CHECK(json.at("accuracy") == record.at("metrics").at("dev").at("accuracy"));
    CHECK(json.at("report").at("confusion") ==
          record.at("metrics").at("dev").at("report").at("confusion"));
    CHECK(json.at("examples") == 24);
  }
}

TEST_CASE("predict reads and writes every format, also as a stream") {
  testing::TempDir temp;
  const fs::path data = temp / "d.csv", out = temp / "run";
  write_data(data);
  FinetuneSettings s = tiny(data, out);
  s.text = "body";
  s.label = "class";
  run::Watcher quiet;
  run::finetune(s, quiet);
  const std::string run = out.string();

  const Said json = predict({run, "-"}, "{\"body\": \"a dull film\", \"more\": [1, {}]}\n");
  REQUIRE_MESSAGE(json.code == 0, json.err);
  const engine::Json object = engine::parse_json(json.out, "out");
  CHECK(object.at("more").size() == 2);
  CHECK(object.at("probabilities").size() == 3);
  double sum = 0;
  for (const auto& [label, p] : object.at("probabilities").items()) sum += p.get<double>();
  CHECK(sum == doctest::Approx(1).epsilon(1e-5));
  CHECK(object.at("probabilities").contains(object.at("prediction").get<std::string>()));

  const Said csv = predict({run, "-"}, "n,body\n1,\"a, dull\nfilm\"\n");
  CHECK(csv.out.find("n,body,prediction,p_good,p_Bad,p_awful\n1,\"a, dull\nfilm\",") == 0);
  const Said lines = predict({run, "-"}, "a dull film, and cold\nkind people\n");
  CHECK(std::count(lines.out.begin(), lines.out.end(), '\n') == 2);

  CHECK(predict({run, "-"}, "{\"text\": \"a\"}\n").err.find("no column named 'body'") !=
        std::string::npos);
  CHECK(predict({run, "-", "--text", "text"}, "{\"text\": \"a\"}\n").code == 0);
  CHECK(predict({(temp / "nothing").string(), "-"}).err.find("is not the folder of a run") !=
        std::string::npos);
  CHECK(predict({"--model", s.model, "--tokenizer", s.tokenizer, "--data", "-"}, "a\n")
            .err.find("no trained head") != std::string::npos);
  // What was there stays if the data are broken half-way.
  testing::write_file(temp / "kept.csv", "before");
  testing::write_file(temp / "broken.csv", "body\nfine\nnot,fine\n");
  CHECK(
      predict({run, (temp / "broken.csv").string(), "--out", (temp / "kept.csv").string()}).code !=
      0);
  CHECK(testing::read_file(temp / "kept.csv") == "before");
}

TEST_CASE("numbers are learned standardised, and said in their own unit by whoever opens the run") {
  testing::TempDir temp;
  const fs::path data = temp / "d.csv", out = temp / "run";
  write_data(data);
  FinetuneSettings s = tiny(data, out);
  s.dev = data.string();
  s.text = "body";
  s.label = "stars";
  s.regression = true;
  s.epochs = 30;
  s.strategy = "full";
  s.lr = 3e-3;
  s.dropout = 0;
  run::Watcher quiet;
  const engine::Json record = run::finetune(s, quiet).record;
  CHECK(record.at("fitted").at("target_mean").get<double>() == doctest::Approx(115));
  const engine::Json& report = record.at("metrics").at("dev").at("report");
  // The four numbers stand 115 +- 11; what is learned must beat always saying the mean.
  CHECK(report.at("mean_mse").get<double>() == doctest::Approx(125));
  CHECK(report.at("mse").get<double>() < 60);
  CHECK(record.at("metrics").at("dev").at("loss").get<double>() ==
        doctest::Approx(report.at("mse").get<double>()).epsilon(1e-3));
  const Said scores = evaluate({out.string(), data.string(), "--json"});
  REQUIRE_MESSAGE(scores.code == 0, scores.err);
  CHECK(engine::parse_json(scores.out, "out").at("report").at("mse").get<double>() ==
        doctest::Approx(report.at("mse").get<double>()).epsilon(1e-4));
  // Going on from that head without learning anything says the same again.
  FinetuneSettings next = s;
  next.adapter = (out / "adapter").string();
  next.out = (temp / "next").string();
  next.epochs = 1;
  next.lr = 1e-12;
  CHECK(run::finetune(next, quiet).record.at("metrics").at("dev").at("loss").get<double>() ==
        doctest::Approx(report.at("mse").get<double>()).epsilon(1e-3));
}

TEST_CASE("several classes at once are learned, said and scored") {
  testing::TempDir temp;
  const fs::path data = temp / "d.jsonl", out = temp / "run";
  std::string jsonl;
  for (int i = 0; i < 24; ++i) {
    engine::Json labels = engine::Json::array();
    if (i % 4 < 2) labels.push_back("film");
    if (i % 2 == 0) labels.push_back("liked");
    jsonl += engine::json_text({{"text", words(i)}, {"labels", labels}}) + "\n";
  }
  testing::write_file(data, jsonl);
  FinetuneSettings s = tiny(data, out);
  s.dev = data.string();
  s.kind = "multilabel";
  s.model = "random:layers=2,hidden=32,heads=2,ffn=32,positions=32";
  s.epochs = 40;
  s.strategy = "full";
  s.lr = 3e-3;
  s.dropout = 0;
  run::Watcher quiet;
  const engine::Json record = run::finetune(s, quiet).record;
  CHECK(record.at("metrics").at("dev").at("micro_f1").get<double>() > 0.9);
  const Said said = predict({out.string(), data.string()});
  REQUIRE_MESSAGE(said.code == 0, said.err);
  const engine::Json first = engine::parse_json(said.out.substr(0, said.out.find('\n')), "out");
  CHECK(first.at("prediction") == engine::Json({"film", "liked"}));
  CHECK(first.at("probabilities").at("film").get<double>() > 0.5);
}
