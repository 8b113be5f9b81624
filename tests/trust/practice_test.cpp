// What a person asks of a run of their own: which score counts, when it stops, what a class weighs,
// what was held out, and what is said of it.
#include <cmath>
#include <csignal>
#include <map>
#include <set>

#include "engine/io/run_folder.h"
#include "tests/trust/program.h"

using namespace trust;
using engine::Json;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

namespace {

Json record_of(const fs::path& run) { return engine::json_file(run / "run.json"); }

// Rows of a run's predictions.tsv by the names of its columns.
std::vector<std::map<std::string, std::string>> rows_of(const fs::path& run) {
  const auto cells = [](const std::string& line) {
    std::vector<std::string> all;
    for (size_t begin = 0; begin <= line.size();) {
      const size_t end = std::min(line.find('\t', begin), line.size());
      all.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    return all;
  };
  const auto lines = lines_of(read_file(run / "predictions.tsv"));
  REQUIRE(lines.size() > 1);
  const auto names = cells(lines[0]);
  std::vector<std::map<std::string, std::string>> rows;
  for (size_t i = 1; i < lines.size(); ++i) {
    const auto row = cells(lines[i]);
    REQUIRE(row.size() == names.size());
    rows.emplace_back();
    for (size_t c = 0; c < names.size(); ++c) rows.back()[names[c]] = row[c];
  }
  return rows;
}

// `good` rows of one class, then `bad` of the other, no two alike.
std::string uneven(int good, int bad) {
  std::string text = "text,label\n";
  const char* things[] = {"tea", "film", "book", "a", "b", "c"};
  for (int i = 0; i < good + bad; ++i)
    text += std::string("the ") + things[i % 6] + " and " + things[i / 6 % 6] + " was " +
            (i < good ? "good,good\n" : "bad,bad\n");
  return text;
}

// Nothing moves: what update 1 logs is the loss of the model that the predictions are of.
const Words kStill = {"--lr",        "1e-12", "--schedule",   "constant", "--warmup-ratio", "0",
                      "--dropout",   "0",     "--batch-size", "40",       "--max-steps",    "1",
                      "--log-every", "1",     "--strategy",   "full"};

Words still(const Words& more) {
  Words words = kStill;
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

double first_loss(const fs::path& run) {
  for (const Json& line : engine::read_metrics(run / "metrics.jsonl"))
    if (line.contains("loss")) return line["loss"].get<double>();
  return NAN;
}

}  // namespace

TEST_CASE(
    "practice: balanced classes and smoothed labels are the loss that scikit-learn's and "
    "PyTorch's words mean") {
  const TempDir dir;
  write_file(dir / "t.csv", uneven(32, 8));
  works(finetune(dir, dir / "t.csv", "plain", still({})));
  works(finetune(dir, dir / "t.csv", "balanced", still({"--class-weights", "balanced"})));
  works(finetune(dir, dir / "t.csv", "smooth", still({"--label_smoothing_factor", "0.2"})));
  double plain = 0, balanced = 0, smooth = 0;
  for (auto& row : rows_of(dir / "plain")) {
    const double good = std::stod(row["p_good"]), bad = std::stod(row["p_bad"]);
    const bool is_good = row["label"] == "good";
    const double nll = -std::log(is_good ? good : bad);
    plain += nll / 40;
    balanced += nll / 2 / (is_good ? 32 : 8);  // class_weight="balanced": n / (k n_c)
    smooth += (0.8 * nll + 0.2 * (-std::log(good) - std::log(bad)) / 2) / 40;
  }
  CHECK(first_loss(dir / "plain") == doctest::Approx(plain).epsilon(1e-4));
  CHECK(first_loss(dir / "balanced") == doctest::Approx(balanced).epsilon(1e-4));
  CHECK(first_loss(dir / "smooth") == doctest::Approx(smooth).epsilon(1e-4));
}

TEST_CASE("practice: --metric and --patience choose the evaluation that is kept, every N updates") {
  const TempDir dir;
  write_file(dir / "t.csv", uneven(30, 10));
  for (const char* metric : {"macro_f1", "matthews", "loss", "accuracy"}) {
    CAPTURE(metric);
    works(finetune(dir, dir / "t.csv", metric,
                   {"--strategy", "full", "--lr", "1e-2", "--max-steps", "200", "--eval_steps", "4",
                    "--early_stopping_patience", "3", "--metric_for_best_model", metric,
                    "--batch-size", "8"}));
    const Json record = record_of(dir / metric);
    double best = -1e9;
    int64_t best_step = 0, last = 0, since = 0;
    for (const Json& line : engine::read_metrics(dir / metric / "metrics.jsonl")) {
      if (!line.contains("eval")) continue;
      const Json& dev = line["eval"]["dev"];
      const auto value = [&] {
        return dev.contains(metric) ? dev[metric].get<double>()
                                    : dev["report"][metric].get<double>();
      }();
      last = line["step"].get<int64_t>();
      CHECK((last % 4 == 0 || last == 200));
      const double score = std::string(metric) == "loss" ? -value : value;
      ++since;
      if (score > best) best = score, best_step = last, since = 0;
    }
    CHECK(record["selection"]["metric"] == metric);
    CHECK(record["selection"]["step"] == best_step);
    CHECK((since == 3 || last == 200));
    const Json& kept = record["metrics"]["dev"];
    const double again =
        kept.contains(metric) ? kept[metric].get<double>() : kept["report"][metric].get<double>();
    CHECK((std::string(metric) == "loss" ? -again : again) == doctest::Approx(best).epsilon(1e-6));
  }
  refuses(finetune(dir, dir / "t.csv", "x", {"--metric", "f2", "--patience", "1"}), {"f2"});
}

TEST_CASE("practice: what is held out is stratified and does not follow --seed") {
  const TempDir dir;
  write_file(dir / "t.csv", uneven(80, 20));
  std::set<std::string> held;
  for (const char* seed : {"1", "2", "777"}) {
    Words words = finetune(dir, dir / "t.csv", seed, {"--seed", seed, "--dev", ""});
    const auto at = std::find(words.begin(), words.end(), "--dev");
    words.erase(at, at + 2);
    works(words);
    std::string rows;
    int good = 0, bad = 0;
    for (auto& row : rows_of(dir / seed)) {
      if (row["split"] != "dev") continue;
      rows += row["index"] + " ";
      (row["label"] == "good" ? good : bad)++;
    }
    CHECK(good == 8);
    CHECK(bad == 2);
    held.insert(rows);
  }
  CHECK(held.size() == 1);
}

TEST_CASE("practice: the header says columns, classes, lengths and what was cut") {
  const TempDir dir;
  std::string text = "id,sentence,class\n";
  for (int i = 0; i < 20; ++i) {
    text += std::to_string(i) + ",the tea was very";
    for (int k = 0; k < i; ++k) text += " hot";
    text += i % 4 ? ",Good\n" : ",bad\n";
  }
  write_file(dir / "t.csv", text);
  const Outcome o = works(finetune(dir, dir / "t.csv", "r", {"--max-length", "16"}));
  CHECK(o.says("columns   text 'sentence', label 'class'"));
  CHECK(o.says("train: 20 (bad 5, Good 15)"));
  CHECK(o.says("median 16, 95% within 16, longest 16"));
  // [CLS] the tea was very hot^i [SEP]: more than 16 from i = 11 on.
  CHECK(o.says("train: 9 of 20 texts were cut to 16 tokens"));
  const Json split = record_of(dir / "r")["data"]["splits"]["train"];
  CHECK(split["truncated"] == 9);
  CHECK(split["classes"] == Json({{"bad", 5}, {"Good", 15}}));
}

TEST_CASE("practice: numbers are learned standardised and said in their own unit") {
  const TempDir dir;
  std::string text = "text,score\n";
  for (int i = 0; i < 24; ++i)
    text += std::string(i % 2 ? "the tea was good" : "the film was bad") + "," +
            std::to_string(i % 2 ? 52000 + i : 48000 - i) + "\n";
  write_file(dir / "t.csv", text);
  const Outcome o = works(finetune(dir, dir / "t.csv", "r",
                                   {"--regression", "--strategy", "full", "--lr", "1e-2",
                                    "--max-steps", "60", "--dropout", "0"}));
  double mse = 0;
  for (auto& row : rows_of(dir / "r")) {
    const double p = std::stod(row["prediction"]), y = std::stod(row["label"]);
    CHECK(std::abs(p - y) < 1000);  // of a spread of 4,000
    mse += (p - y) * (p - y) / 24;
  }
  CHECK(record_of(dir / "r")["metrics"]["dev"]["report"]["mse"].get<double>() ==
        doctest::Approx(mse).epsilon(1e-2));
  CHECK(o.says("always the mean"));
  // Whoever opens the run, the adapter or the merged model says the same.
  works({"merge", "--adapter", (dir / "r").string(), "--out", (dir / "m").string()});
  const auto answers = [&](const Words& model) {
    Words words = {"predict"};
    words.insert(words.end(), model.begin(), model.end());
    words.insert(words.end(), {"--data", (dir / "t.csv").string()});
    return works(words).out;
  };
  const std::string own = answers({"--adapter", (dir / "r").string()});
  CHECK(std::abs(std::stod(lines_of(own)[1].substr(lines_of(own)[1].rfind(',') + 1)) - 48000) <
        1000);
  CHECK(answers({"--adapter", (dir / "r" / "adapter").string()}) == own);
}

TEST_CASE("practice: constant predictions and a single class are said, and are no NaN") {
  const TempDir dir;
  std::string numbers = "text,score\n";
  for (int i = 0; i < 6; ++i) numbers += "the tea," + std::to_string(i) + "\n";
  write_file(dir / "n.csv", numbers);
  const Outcome flat = works(finetune(dir, dir / "n.csv", "n",
                                      {"--regression", "--dropout", "0", "--eval-every", "1",
                                       "--patience", "2", "--metric", "pearson"}));
  CHECK(flat.says("correlations are not defined"));
  for (const std::string& text : {flat.out, flat.err, read_file(dir / "n" / "run.json"),
                                  read_file(dir / "n" / "metrics.jsonl")}) {
    CHECK(text.find("nan") == std::string::npos);
    CHECK(text.find("NaN") == std::string::npos);
  }
  write_file(dir / "t.csv", uneven(38, 2));
  const Outcome one = works(finetune(
      dir, dir / "t.csv", "t", {"--strategy", "frozen", "--lr", "1e-2", "--max-steps", "30"}));
  CHECK(one.says("every example is predicted as 'good'"));
  CHECK(one.says("always 'good' would give accuracy 0.95"));
  const Outcome scored = works({"evaluate", (dir / "t").string(), (dir / "t.csv").string()});
  CHECK(scored.says("every example is predicted as 'good'"));
  CHECK(scored.says("always 'good' would give accuracy 0.95"));
}

TEST_CASE("practice: predict and evaluate take every format and every form of a model") {
  const TempDir dir;
  write_file(dir / "t.csv", uneven(12, 12));
  works(finetune(dir, dir / "t.csv", "r",
                 {"--model", model_folder(dir).string(), "--strategy", "lora:r=4", "--lr", "2e-2",
                  "--max-steps", "40", "--dropout", "0"}));
  works({"merge", "--adapter", (dir / "r").string(), "--out", (dir / "m").string()});
  const auto lines = lines_of(read_file(dir / "t.csv"));
  std::string tsv, jsonl;
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t comma = lines[i].find(',');
    const std::string text = lines[i].substr(0, comma), label = lines[i].substr(comma + 1);
    tsv += text + "\t" + label + "\n";
    if (i > 0) jsonl += Json({{"text", text}, {"label", label}}).dump() + "\n";
  }
  write_file(dir / "t.tsv", tsv);
  write_file(dir / "t.jsonl", jsonl);
  const std::vector<Words> models = {
      {(dir / "r").string()},
      {"--model", model_folder(dir).string(), "--adapter", (dir / "r" / "adapter").string()},
      {"--adapter", (dir / "r").string()},
      {"--model", (dir / "m").string()}};
  std::set<std::string> accuracies;
  for (const Words& model : models)
    for (const char* file : {"t.csv", "t.tsv", "t.jsonl"}) {
      CAPTURE(model);
      CAPTURE(file);
      Words words = {"evaluate"};
      words.insert(words.end(), model.begin(), model.end());
      words.insert(words.end(), {"--data", (dir / file).string(), "--json"});
      accuracies.insert(engine::parse_json(works(words).out, "evaluate")["accuracy"].dump());
      words[0] = "predict";
      words.pop_back();
      const Outcome from_file = works(words);
      words.back() = "-";
      const Outcome from_pipe = works(words, {.input = read_file(dir / file)});
      CHECK(from_file.out == from_pipe.out);
      CHECK(from_file.err.find("rows/s") != std::string::npos);
    }
  CHECK(accuracies.size() == 1);
  CHECK(*accuracies.begin() == record_of(dir / "r")["metrics"]["dev"]["accuracy"].dump());
}

TEST_CASE("practice: a rate is chosen for the model, recorded, and kept by a run that has begun") {
  const TempDir dir;
  write_file(dir / "t.csv", uneven(20, 20));
  const auto rates = [&](const char* out) {
    std::set<double> all;
    for (const Json& line : engine::read_metrics(dir / out / "metrics.jsonl"))
      if (line.contains("lr")) all.insert(line["lr"].get<double>());
    return all;
  };
  const Words constant = {"--schedule",  "constant", "--warmup-ratio", "0",
                          "--max-steps", "3000",     "--strategy",     "full"};
  const auto interrupted = [&](const char* out, const Words& more) {
    Words words = constant;
    words.insert(words.end(), more.begin(), more.end());
    const Outcome o =
        peft(finetune(dir, dir / "t.csv", out, words), {.meanwhile = [&](int pid, const fs::path&) {
               REQUIRE(wait_for(dir / out / "metrics.jsonl", "\"step\":20,"));
               ::kill(pid, SIGINT);
             }});
    REQUIRE(o.code == 130);
    return o;
  };
  // Begun under another default: its rate goes on.
  const Outcome far = interrupted("a", {"--lr", "3.25e-6"});
  CHECK(far.says("times less than what usually suits"));
  works({"finetune", "--resume", "--out", (dir / "a").string()});
  CHECK(rates("a") == std::set<double>{3.25e-6});
  // Begun without a rate: the same, though the flags do not say it.
  CHECK_FALSE(interrupted("b", {}).says("usually suits"));
  const std::set<double> chosen = rates("b");
  REQUIRE(chosen.size() == 1);
  CHECK(*chosen.begin() > 5e-5);  // of BERT-base
  CHECK(record_of(dir / "b")["settings"]["lr"].get<double>() == *chosen.begin());
  works({"finetune", "--resume", "--out", (dir / "b").string()});
  CHECK(rates("b") == chosen);
}
