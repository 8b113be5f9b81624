#include "apps/analyze/command.h"

#include <filesystem>
#include <iostream>

#include "apps/analyze/scores.h"
#include "apps/common/command_line.h"
#include "apps/common/main_guard.h"
#include "apps/common/progress.h"
#include "apps/common/signals.h"
#include "apps/common/table.h"
#include "engine/base/atomic_file.h"
#include "engine/base/threads.h"
#include "run/analyze/ablation.h"
#include "run/analyze/bias_change.h"
#include "run/analyze/subspace.h"

namespace apps {
namespace {

namespace fs = std::filesystem;

struct Request {
  std::vector<std::string> runs;
  std::string model, layer, by, across, svg, csv, markdown;
  int64_t examples = 0;
  int threads = 0;
};

struct Kind {
  const char* name;
  const char* help;
  const char* runs;  // what stands for the positional arguments
  void (*analyze)(const Request&);
};

std::string digits(double value) {
  if (!std::isfinite(value)) return "";
  char text[32];
  const double size = std::abs(value);
  std::snprintf(text, sizeof text, size != 0 && size < 1e-3 ? "%.2e" : "%.4f", value);
  return text;
}

std::string full(double value) {
  if (!std::isfinite(value)) return "";
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

Table table_of(const run::Grid& grid, std::string (*cell)(double)) {
  std::vector<Column> columns = {{grid.row_title, Align::left, Fit::cut_front, 0, 28}};
  for (const std::string& name : grid.columns) columns.push_back({name, Align::right});
  Table table(columns);
  for (size_t r = 0; r < grid.rows.size(); ++r) {
    std::vector<std::string> cells = {grid.rows[r]};
    for (size_t c = 0; c < grid.columns.size(); ++c) cells.push_back(cell(grid.at(r, c)));
    table.add(std::move(cells));
  }
  return table;
}

// "out.svg" for the first of several, then "out-2.svg".
std::string numbered(const std::string& file, size_t index) {
  if (index == 0) return file;
  const fs::path path(file);
  return (path.parent_path() /
          (path.stem().string() + "-" + std::to_string(index + 1) + path.extension().string()))
      .string();
}

void write(const std::string& file, const std::string& text) {
  if (file == "-") {
    std::cout << text;
    return;
  }
  engine::write_file_atomically(file, text);
  std::cerr << "written to " << file << '\n';
}

void show(const Request& request, const run::Grid& grid, const std::string& picture,
          size_t index = 0) {
  const bool piped = request.csv == "-" || request.markdown == "-" || request.svg == "-";
  if (!piped)
    std::cout << (index ? "\n" : "") << grid.title
              << (grid.column_title.empty() ? "" : " (columns: " + grid.column_title + ")") << "\n"
              << table_of(grid, digits).text(terminal_width())
              << (grid.unit.empty() ? "" : grid.unit + "\n");
  if (!request.svg.empty()) write(numbered(request.svg, index), picture);
  if (!request.csv.empty()) write(numbered(request.csv, index), table_of(grid, full).csv());
  if (!request.markdown.empty())
    write(numbered(request.markdown, index), table_of(grid, digits).markdown());
}

void analyze_biases(const Request& request) {
  run::TrainedRun run(request.runs[0], request.model);
  const run::Grid grid = run::bias_change(run);
  show(request, grid, heat_map(grid));
}

void analyze_lora(const Request& request) {
  std::vector<uint64_t> seeds;
  const auto updates = [&](const std::string& folder) {
    run::TrainedRun run(folder, request.model);
    seeds.push_back(run.settings.seed);
    return run::low_rank_updates(run);
  };
  const auto first = updates(request.runs[0]);
  const run::Grid amplification = run::amplification_grid(first);
  if (request.runs.size() == 1) return show(request, amplification, heat_map(amplification));
  const auto second = updates(request.runs[1]);
  const run::Grid overlap = run::subspace_grid(first, second, request.layer);
  show(request, overlap, heat_map(overlap));
  std::cout << "two random spaces of i and j of n directions have max(i, j) / n; here n is "
            << first.front().a.cols() << "\n";
  if (seeds[0] == seeds[1])
    std::cerr << "note: both runs have seed " << seeds[0]
              << ", so they began with the same directions; runs of two seeds show what was "
                 "learned\n";
}

void analyze_layers(const Request& request) {
  run::TrainedRun run(request.runs[0], request.model);
  Progress progress(0, {.label = "evaluations"});
  double whole = 0;
  bool stopped = false;
  const run::Grid grid = run::layer_ablation(run, whole, request.examples, [&](int done, int all) {
    if (progress.due(done)) progress.update(done, {{"of", std::to_string(all)}});
    stopped = stop_requested();
    return !stopped;
  });
  progress.finish();
  show(request, grid, heat_map(grid));
  std::cout << "the whole run: " << digits(whole) << "\n";
  if (stopped) std::cout << "stopped: the rest was not computed\n";
}

void analyze_scores(const Request& request) {
  if (request.by.empty())
    throw UsageError(engine::concat(
        "--by is missing", engine::hint("what to compare by: r, roles, size, length, terms, "
                                        "layers, examples, trainable")));
  const ScoreTable found = score_table(find_runs(request.runs), request.by, request.across);
  for (size_t i = 0; i < found.grids.size(); ++i) {
    const bool lines = !found.charts[i].series.empty();
    show(request, found.grids[i], lines ? line_chart(found.charts[i]) : heat_map(found.grids[i]),
         i);
  }
  for (const std::string& note : found.notes) std::cerr << "note: " << note << '\n';
}

constexpr Kind kKinds[] = {
    {"biases", "how far every bias vector moved, by layer and kind", "RUN", analyze_biases},
    {"lora", "what LoRA's updates amplify; of two runs, how much their subspaces overlap",
     "RUN [RUN]", analyze_lora},
    {"layers", "the score without the change of every span of layers", "RUN", analyze_layers},
    {"scores", "scores against a setting: rank, size, length, terms, examples", "RUN...",
     analyze_scores}};

std::string overview() {
  std::string text =
      "What finished runs have learned, as tables and pictures.\n\nUsage:\n"
      "  peft analyze KIND RUN... [OPTION...]\n\n";
  for (const Kind& kind : kKinds)
    text += "  " + std::string(kind.name) + std::string(9 - std::string(kind.name).size(), ' ') +
            kind.help + "\n";
  return wrap(text + "\npeft analyze KIND --help lists its flags.\n", help_width(), 11);
}

}  // namespace

int analyze_command(int argc, const char* const* argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name == "--help" || name == "-h" || name == "help") {
    std::cout << overview();
    return 0;
  }
  const Kind* kind = nullptr;
  std::vector<std::string> known;
  for (const Kind& each : kKinds) {
    known.push_back(each.name);
    if (name == each.name) kind = &each;
  }
  if (!kind) {
    const std::string near = name.empty() ? "" : nearest(name, known);
    throw UsageError(engine::concat(
        name.empty() ? "no kind of analysis was given" : "there is no analysis '" + name + "'",
        near.empty() ? "" : ", did you mean " + near + "?",
        engine::hint("known are biases, lora, layers, scores; peft analyze --help explains")));
  }
  Request request;
  const bool scores = name == "scores";
  CommandLine line("peft analyze " + name, std::string(kind->help) + "\n");
  line.options.positional_help(kind->runs);
  auto add = line.options.add_options();
  if (scores) {
    add("by",
        "what the rows are: an option of the strategy (r, roles, size, length, terms), a "
        "setting (lr, epochs), or strategy, spec, trainable, examples",
        cxxopts::value<std::string>(request.by), "KEY");
    add("across", "what the columns are (strategy)", cxxopts::value<std::string>(request.across),
        "KEY");
  } else {
    add("model", "folder of the base model, if it is not where the run had it",
        cxxopts::value<std::string>(request.model), "DIR");
    add("threads", "0: all", number_flag(request.threads), "N");
  }
  if (name == "lora")
    add("layer", "overlap of the updates at this path only (the mean over all)",
        cxxopts::value<std::string>(request.layer), "PATH");
  if (name == "layers")
    add("examples", "score the first N of the dev set (all)", number_flag(request.examples), "N");
  add("svg", "write a picture; - is stdout", cxxopts::value<std::string>(request.svg), "FILE");
  add("csv", "write all digits; - is stdout", cxxopts::value<std::string>(request.csv), "FILE");
  add("markdown", "write the table; - is stdout", cxxopts::value<std::string>(request.markdown),
      "FILE");
  line.options.add_options("hidden")("runs", "",
                                     cxxopts::value<std::vector<std::string>>(request.runs));
  line.options.parse_positional({"runs"});
  line.parse(argc - 1, argv + 1);
  if (line.answered(std::cout)) return 0;
  const size_t most = scores ? SIZE_MAX : name == "lora" ? 2 : 1;
  if (request.runs.empty() || request.runs.size() > most)
    throw UsageError(engine::concat("analyze ", name, ": expected ", kind->runs, ", found ",
                                    request.runs.size(), " runs"));
  engine::set_threads(request.threads);
  kind->analyze(request);
  return 0;
}

}  // namespace apps
