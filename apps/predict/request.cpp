#include "apps/predict/request.h"

#include "apps/common/format.h"
#include "apps/common/main_guard.h"

namespace apps {

void ModelFlags::add_to(CommandLine& line) {
  const auto text = [](std::string& into) { return cxxopts::value<std::string>(into); };
  auto add = line.options.add_options();
  add("data", "TSV, CSV or JSONL with named columns; - is standard input", text(file), "FILE");
  add("model", "name on the hub or folder: a merged model, or the base of --adapter",
      text(request.model), "MODEL");
  add("adapter", "folder of an adapter, or of a run",
      cxxopts::value<std::vector<std::string>>(given_adapters), "[NAME=]DIR");
  add("tokenizer", "folder of the tokenizer (the run's, or the model's)", text(request.tokenizer),
      "DIR");
  add("max-length", "tokens a text is cut to (the run's, or what the model has)",
      number_flag(request.max_length), "N");
  add("text", "column of the text (the run's, or guessed)", text(columns.text), "NAME");
  add("text-b", "column of the second text of a pair", text(columns.text_b), "NAME");
  add("format", "of the data: tsv, csv, jsonl, lines (by the file's ending)", text(format), "NAME");
  add("seed", "of a random base model (the run's)", number_flag(request.seed), "N");
  add("threads", "threads, 0: all (0)", number_flag(threads), "N");
  precision.add_to(line.options);
  line.options.add_options("hidden")("words", "", cxxopts::value<std::vector<std::string>>(words));
  line.options.parse_positional({"words"});
  line.options.positional_help("[RUN] [FILE]");
}

void ModelFlags::resolve(const char* command, const ResolveRules& rules) {
  adapters = named_adapters(given_adapters);
  if (!adapters.empty()) request.adapter = adapters[0].folder;
  if (adapters.size() > 1 && !rules.several)
    throw UsageError(engine::concat(
        command, ": there are ", adapters.size(), " adapters: ", names_text(adapters),
        engine::hint("peft predict asks each row of the one that --adapter-column names; here give "
                     "one")));
  size_t next = 0;
  if (request.model.empty() && request.adapter.empty() && next < words.size())
    request.run = words[next++];
  if (file.empty() && next < words.size()) file = words[next++];
  const auto see =
      engine::hint("peft ", command, " RUN FILE, or --model M [--adapter A] --data FILE");
  if (next < words.size())
    throw UsageError(engine::concat(command, ": what is '", words[next], "'?", see));
  if (request.run.empty() && request.model.empty() && request.adapter.empty())
    throw UsageError(engine::concat(command, ": which model?", see));
  if (rules.needs_data && file.empty())
    throw UsageError(engine::concat(command, ": which data?", see));
  if (request.max_length < 0)
    throw UsageError(engine::concat("--max-length ", request.max_length, " is negative"));
}

std::string rate_line(int64_t rows, double seconds) {
  return engine::concat(
      format_count(rows), rows == 1 ? " row in " : " rows in ", format_seconds(seconds), ", ",
      format_rate(seconds > 0 ? static_cast<double>(rows) / seconds : 0), " rows/s");
}

}  // namespace apps
