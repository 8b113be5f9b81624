#include "apps/score/command.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "apps/common/command_line.h"
#include "apps/common/main_guard.h"
#include "apps/common/progress.h"
#include "apps/common/table.h"
#include "data/table_text/score.h"
#include "data/table_text/slots.h"
#include "data/tokenizer_files.h"
#include "run/bert_score.h"

namespace apps {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownNotes = 5;

std::string number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// "a,b,c" is three files, unless one has that name.
void add_files(const std::string& list, std::vector<fs::path>& files) {
  if (fs::exists(list)) {
    files.emplace_back(list);
    return;
  }
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    if (end > begin) files.emplace_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
}

void print_table(const std::vector<data::ScoredSet>& sets, std::ostream& out) {
  std::vector<Column> columns{{"metric"}};
  for (const data::ScoredSet& set : sets) columns.push_back({set.name, Align::right});
  columns.push_back({"method", Align::left, Fit::wrap});
  Table table(columns);
  const auto row = [&](const std::string& name, const auto& cell, const std::string& method) {
    std::vector<std::string> cells{name};
    for (const data::ScoredSet& set : sets) cells.push_back(cell(set));
    cells.push_back(method);
    table.add(std::move(cells));
  };
  row(
      "hypotheses", [](const auto& s) { return std::to_string(s.hypotheses); }, "");
  row(
      "references", [](const auto& s) { return std::to_string(s.references); }, "");
  for (size_t k = 0; k < sets[0].scores.size(); ++k) {
    const data::Score& first = sets[0].scores[k];
    row(
        first.name, [&](const auto& s) { return number(s.scores[k].value, s.scores[k].digits); },
        first.method);
  }
  out << table.text(terminal_width());
}

void print_notes(const std::vector<std::string>& notes) {
  for (size_t i = 0; i < notes.size() && i < kShownNotes; ++i)
    std::cerr << "note: " << notes[i] << "\n";
  if (notes.size() > kShownNotes)
    std::cerr << "note: and " << notes.size() - kShownNotes << " more like it\n";
}

// A line an error: number of the hypothesis, missing or invented, slot, value, text.
std::string slot_table(const data::Outputs& outputs) {
  std::vector<const data::TableEntry*> tables;
  for (const data::TableEntry& table : outputs.tables) tables.push_back(&table);
  const data::SlotErrors errors = data::e2e_slot_errors(tables, outputs.texts.hypotheses);
  std::string text = "line\terror\tslot\tvalue\ttext\n";
  for (const auto& c : errors.cases)
    text += std::to_string(c.example + 1) + (c.missing ? "\tmissing\t" : "\tinvented\t") +
            c.value.name + "\t" + c.value.object + "\t" + outputs.texts.hypotheses[c.example] +
            "\n";
  return text;
}

// BERTScore's means as three more rows of every set.
void add_bert_score(const run::ModelRequest& model, const run::BertScoreOptions& given,
                    const data::metrics::Texts& texts, std::vector<data::ScoredSet>& sets) {
  Progress progress(static_cast<int64_t>(texts.size()), {.label = "BERTScore"});
  run::BertScoreOptions options = given;
  options.progress = [&](int64_t done, int64_t) {
    if (progress.due(done)) progress.update(done, {});
  };
  run::BertScorer scorer(model, options);
  const std::vector<run::BertScore> scores = scorer.score(texts);
  progress.finish();
  for (data::ScoredSet& set : sets) {
    const run::BertScore mean = run::mean_bert_score(scores, set.examples);
    set.scores.push_back({"BERTScore P", mean.precision, 4, scorer.method()});
    set.scores.push_back({"BERTScore R", mean.recall, 4, scorer.method()});
    set.scores.push_back({"BERTScore F1", mean.f1, 4, scorer.method()});
  }
}

}  // namespace

int score_command(int argc, const char* const* argv) {
  CommandLine line("peft score",
                   "Scores outputs of a table-to-text system as the papers' scripts do.\n\n"
                   "HYPOTHESES has a line for each table, or for E2E columns MR and output.");
  line.options.add_options()("task", "e2e, webnlg or dart", cxxopts::value<std::string>(), "TASK")(
      "references",
      "the set with its texts (.csv .xml .json .jsonl, a folder), or files with a reference a line",
      cxxopts::value<std::vector<std::string>>(),
      "FILE,...")("way", "official: the task's own scripts; lora: those that LoRA's README calls",
                  cxxopts::value<std::string>()->default_value("official"), "WAY")(
      "more", "also sacreBLEU with its signature, Google's ROUGE, and the other tasks' metrics",
      cxxopts::value<bool>()->default_value("false"))(
      "tokenize", "dart: lower-case the hypotheses and take their words apart first",
      cxxopts::value<bool>()->default_value("false"))(
      "wordnet",
      "folder of WordNet's database, for METEOR's synonyms (default: where it is "
      "installed)",
      cxxopts::value<std::string>(), "DIR")("json", "write all digits as JSON; - is stdout",
                                            cxxopts::value<std::string>(), "FILE")(
      "slot-errors", "e2e: write each slot error with its text", cxxopts::value<std::string>(),
      "FILE")("bertscore", "also BERTScore by this encoder (a Hugging Face folder)",
              cxxopts::value<std::string>(), "MODEL")(
      "bertscore-layer", "whose vectors are compared (the package bert_score's for such a model)",
      number_flag<int>(), "N")("bertscore-idf", "weigh tokens by how few references have them",
                               cxxopts::value<bool>()->default_value("false"))(
      "bertscore-tokenizer", "folder of its tokenizer, if MODEL has none",
      cxxopts::value<std::string>(),
      "DIR")("hypotheses", "outputs", cxxopts::value<std::vector<std::string>>());
  line.options.parse_positional({"hypotheses"});
  line.options.positional_help("HYPOTHESES");
  if (argc == 1) {
    std::cout << "usage: peft score --task e2e --references FILE HYPOTHESES\n"
                 "peft score --help explains all flags.\n";
    return 2;
  }
  const auto flags = line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  for (const char* needed : {"task", "references"})
    if (!flags.count(needed))
      throw UsageError(engine::concat("score: --", needed, " is missing",
                                      engine::hint("peft score --help explains all flags")));
  const auto files = flags.count("hypotheses") ? flags["hypotheses"].as<std::vector<std::string>>()
                                               : std::vector<std::string>{};
  if (files.size() != 1)
    throw UsageError(engine::concat(
        "score: give one file of hypotheses, found ", files.size(),
        engine::hint("several files of references are one list: --references a,b,c")));

  for (const char* flag : {"bertscore-layer", "bertscore-idf", "bertscore-tokenizer"})
    if (flags.count(flag) && !flags.count("bertscore"))
      throw UsageError(engine::concat("score: --", flag, " needs --bertscore MODEL"));

  const data::TableTask task = data::table_task(flags["task"].as<std::string>());
  std::vector<fs::path> references;
  for (const std::string& file : flags["references"].as<std::vector<std::string>>())
    add_files(file, references);
  const data::Outputs outputs = data::read_outputs(task, files[0], references);
  print_notes(outputs.notes);

  data::ScoreOptions options;
  options.way = data::score_way(flags["way"].as<std::string>());
  options.more = flags["more"].as<bool>();
  options.tokenize = flags["tokenize"].as<bool>();
  std::optional<fs::path> folder = data::metrics::WordNet::find();
  if (flags.count("wordnet")) folder = flags["wordnet"].as<std::string>();
  std::optional<data::metrics::WordNet> wordnet;
  if (folder) {
    wordnet.emplace(*folder);
    options.wordnet = &*wordnet;
  } else {
    std::cerr << "note: METEOR is without synonyms, for WordNet is not installed (Debian: "
                 "wordnet-base) and --wordnet names no folder\n";
  }

  if (flags.count("slot-errors")) {
    if (task != data::TableTask::e2e || outputs.tables.empty())
      throw UsageError("score: --slot-errors needs E2E and references with their tables");
    data::write_text(flags["slot-errors"].as<std::string>(), slot_table(outputs));
  }
  auto sets = data::score_outputs(task, outputs, options);
  if (flags.count("bertscore")) {
    run::ModelRequest model{.model = flags["bertscore"].as<std::string>()};
    if (flags.count("bertscore-tokenizer"))
      model.tokenizer = flags["bertscore-tokenizer"].as<std::string>();
    run::BertScoreOptions bert{.idf = flags["bertscore-idf"].as<bool>()};
    if (flags.count("bertscore-layer")) bert.layer = flags["bertscore-layer"].as<int>();
    add_bert_score(model, bert, outputs.texts, sets);
  }
  const std::string json = flags.count("json") ? flags["json"].as<std::string>() : "";
  if (json != "-") print_table(sets, std::cout);
  if (!json.empty()) {
    const std::string text = data::to_json(task, options.way, sets).dump(2) + "\n";
    if (json == "-") {
      std::cout << text;
    } else {
      data::write_text(json, text);
    }
  }
  return 0;
}

}  // namespace apps
