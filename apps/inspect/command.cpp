#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "apps/common/main_guard.h"
#include "apps/common/precision_flags.h"
#include "apps/common/table.h"
#include "apps/inspect/inspect.h"
#include "engine/base/atomic_file.h"

namespace apps {
namespace {

const std::vector<std::pair<std::string, std::string>>& commands() {
  static const std::vector<std::pair<std::string, std::string>> list = {
      {"params", "a model's parameters: shape, role, whether it trains, from where"},
      {"sites", "the places that a strategy may use, and those that one does use"},
      {"graph", "one training step for Graphviz: what is frozen, what is kept"},
      {"tokens", "texts as token ids and pieces"},
      {"logits", "what a classifier, or a causal model, says of texts"},
      {"attention", "whom each token of a text looks at, in every layer and head"},
      {"hardware", "what this machine computes with: cores, instructions, libraries"}};
  return list;
}

std::string overview() {
  std::string text =
      "Looks into models and texts.\n\nUsage:\n  peft inspect COMMAND [OPTION...]\n\n";
  for (const auto& [name, help] : commands())
    text += "  " + name + std::string(11 - name.size(), ' ') + help + "\n";
  return text + "\npeft inspect COMMAND --help lists the flags of a command.\n";
}

std::vector<std::string> lines_of(std::istream& in) {
  std::vector<std::string> lines;
  std::string line;
  while (std::getline(in, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

cxxopts::Options flags_of(const std::string& command, PrecisionFlags& precision) {
  cxxopts::Options options("peft inspect " + command);
  const bool attention = command == "attention";
  const bool texts = command == "tokens" || command == "logits" || command == "graph" || attention;
  for (const auto& [name, help] : commands())
    if (name == command) options = cxxopts::Options("peft inspect " + command, help + "\n");
  options.custom_help("[OPTION...]");
  if (texts)
    options.positional_help(command == "graph" ? "[TEXT...]"
                                               : "[TEXT...] (or a line each on stdin; TAB: pair)");
  auto add = options.add_options();
  if (command == "hardware") {
    add("json", "as JSON");
    add("h,help", "this text");
    return options;
  }
  add("model",
      command == "tokens" ? "name on the hub, or folder with the tokenizer's files"
                          : "name on the hub, folder, config.json, or random:layers=2,hidden=128",
      cxxopts::value<std::string>(), "MODEL");
  if (command == "params" || command == "sites" || command == "graph" || attention)
    add("strategy",
        command == "graph" ? "strategy (full)" : "strategy to look at, for instance lora:r=8",
        cxxopts::value<std::string>(), "SPEC");
  if (command == "sites")
    add("pattern",
        "a regular expression for site paths, as in lora:pattern=", cxxopts::value<std::string>(),
        "REGEX");
  if (command == "logits" || attention)
    add("adapter", "a saved adapter, or the run folder that holds it",
        cxxopts::value<std::string>(), "FOLDER");
  if (texts) {
    add("tokenizer", "folder of the tokenizer, if not the model's", cxxopts::value<std::string>(),
        "FOLDER");
    add("pair", "texts come two by two");
    add("max-length", "longest sequence in tokens, special ones included", number_flag<int>(), "N");
    add("texts", "", cxxopts::value<std::vector<std::string>>());
    options.parse_positional({"texts"});
  }
  if (command == "graph") {
    add("batch", "sequences of the step, without texts", number_flag<int>()->default_value("2"),
        "N");
    add("length", "tokens of each", number_flag<int>()->default_value("8"), "N");
    add("dropout", "with the dropout ops of training");
    add("out", "file to write; stdout without it", cxxopts::value<std::string>(), "FILE");
  }
  if (attention) {
    add("text", "the text", cxxopts::value<std::string>(), "TEXT");
    add("layer", "one layer, from 1 (all)", number_flag<int>(), "N");
    add("head", "one head of it, from 1 (without --layer the mean of all heads is shown)",
        number_flag<int>(), "N");
    add("html", "a page with a picker of layer and head, in one file",
        cxxopts::value<std::string>(), "FILE");
  }
  if (command == "logits") precision.add_to(options);
  if (command == "logits" || attention)
    add("seed", "of what no file has (the run's)",
        number_flag<unsigned long long>()->default_value("0"), "N");
  if (command != "graph") add("json", texts ? "a JSON object a line" : "as JSON");
  add("h,help", "this text");
  return options;
}

// cxxopts has no hidden option: the line of the positional one is taken out.
std::string help_text(const cxxopts::Options& options) {
  std::istringstream in(options.help());
  std::string out, line;
  while (std::getline(in, line))
    if (line.find("--texts") == std::string::npos) out += line + "\n";
  return out;
}

}  // namespace

int inspect_command(int argc, const char* const* argv, std::istream& in, bool in_is_terminal,
                    std::ostream& out, std::ostream& notes) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "--help" || command == "-h" || command == "help") {
    out << overview();
    return 0;
  }
  std::vector<std::string> known;
  std::string list;
  for (const auto& [name, help] : commands()) {
    known.push_back(name);
    list += (list.empty() ? "" : ", ") + name;
  }
  if (std::find(known.begin(), known.end(), command) == known.end()) {
    if (command.empty())
      throw UsageError(
          engine::concat("no command was given",
                         engine::hint("known are ", list, "; peft inspect --help explains")));
    const std::string near = nearest(command, known);
    throw UsageError(engine::concat("unknown command '", command, "'",
                                    near.empty() ? "" : ", did you mean " + near + "?",
                                    engine::hint("known are ", list)));
  }
  PrecisionFlags precision;
  cxxopts::Options flags = flags_of(command, precision);
  const auto parsed = parse_flags(flags, argc - 1, argv + 1);
  if (parsed.count("help")) {
    out << help_text(flags);
    return 0;
  }
  const auto given = [&](const char* name) {
    try {
      return parsed.count(name) > 0;
    } catch (const std::exception&) {
      return false;
    }
  };
  const auto text = [&](const char* name) {
    return given(name) ? parsed[name].as<std::string>() : std::string();
  };
  InspectOptions options;
  options.model = text("model");
  options.strategy = text("strategy");
  options.pattern = text("pattern");
  options.adapter = text("adapter");
  options.tokenizer = text("tokenizer");
  options.pair = given("pair");
  options.json = given("json");
  options.dropout = given("dropout");
  options.width = &out == &std::cout ? terminal_width() : 0;
  if (given("max-length")) options.max_length = parsed["max-length"].as<int>();
  if (options.max_length < 0)
    throw UsageError(engine::concat("--max-length ", options.max_length, " is negative"));
  if (given("texts")) options.texts = parsed["texts"].as<std::vector<std::string>>();
  if (given("text")) options.texts.insert(options.texts.begin(), text("text"));
  if (command == "graph") {
    options.batch = parsed["batch"].as<int>();
    options.length = parsed["length"].as<int>();
  }
  if (command == "logits" || command == "attention")
    options.seed = parsed["seed"].as<unsigned long long>();

  options.html = text("html");
  if (given("layer")) options.layer = parsed["layer"].as<int>();
  if (given("head")) options.head = parsed["head"].as<int>();
  if (command == "tokens" || command == "logits" || command == "attention") {
    if (options.texts.empty()) {
      if (in_is_terminal)
        throw UsageError(
            engine::concat("no text was given",
                           engine::hint("give texts as arguments, or a text a line on stdin")));
      options.texts = lines_of(in);
      if (options.texts.empty())
        engine::fail(command, "there is no text on stdin",
                     engine::hint("give texts as arguments, or a text a line on stdin"));
    }
    if (options.model.empty() && options.tokenizer.empty() && options.adapter.empty())
      throw UsageError(
          engine::concat("no --model was given",
                         engine::hint("a folder with vocab.txt, tokenizer.json or vocab.json")));
  }
  precision.use();
  if (command == "hardware") inspect_hardware(options, out);
  if (command == "params") inspect_params(options, out);
  if (command == "sites") inspect_sites(options, out);
  if (command == "tokens") inspect_tokens(options, out);
  if (command == "logits") inspect_logits(options, out, notes);
  if (command == "attention") inspect_attention(options, out, notes);
  if (command == "graph") {
    if (const std::string file = text("out"); !file.empty()) {
      std::ostringstream dot;
      inspect_graph(options, dot);
      engine::write_file_atomically(file, dot.str());
      notes << "written to " << file << "; dot -Tsvg " << file << " > step.svg draws it\n";
    } else {
      inspect_graph(options, out);
    }
  }
  return 0;
}

}  // namespace apps
