#include "apps/generate/command.h"

#include <iostream>
#include <map>
#include <optional>

#include "apps/common/command_line.h"
#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/output_file.h"
#include "apps/common/progress.h"
#include "apps/common/signals.h"
#include "apps/generate/prompts.h"
#include "data/decode_stream.h"
#include "engine/base/threads.h"
#include "engine/base/timer.h"
#include "run/generation.h"

namespace apps {

using engine::check;
using engine::hint;
using engine::Json;

namespace {

struct GenerateFlags {
  run::ModelRequest request;
  std::vector<std::string> words, prompts;
  std::string file, out;
  bool json = false, greedy = false;
  int threads = 0;
  Json settings = Json::object();  // by transformers' names
};

// Settings of transformers' generate that are flags, with hyphens for their underscores.
struct SettingFlag {
  const char *name, *help;
  enum { whole, number, yes, ids, texts } kind;
};
constexpr SettingFlag kLengths[] = {
    {"max-new-tokens", "at most so many new tokens (the model's generation_config.json, else 128)",
     SettingFlag::whole},
    {"min-new-tokens", "no end before so many", SettingFlag::whole},
    {"max-length", "the same with the prompt counted", SettingFlag::whole},
    {"min-length", "the same with the prompt counted", SettingFlag::whole},
    {"eos-token-id", "ids that end a text, as 2,7; none: it ends by its length (the model's)",
     SettingFlag::ids},
    {"stop-strings", "a text that ends what is written; may be given several times",
     SettingFlag::texts},
};
constexpr SettingFlag kSearch[] = {
    {"num-beams", "beam search with so many beams (1)", SettingFlag::whole},
    {"length-penalty", "beams are compared by log-probability / length^this (1)",
     SettingFlag::number},
    {"no-repeat-ngram-size", "no n-gram of this size twice, the prompt counted (0: any)",
     SettingFlag::whole},
    {"repetition-penalty", "divides the scores of tokens that were there (1)", SettingFlag::number},
    {"suppress-tokens", "ids that are never written", SettingFlag::ids},
    {"begin-suppress-tokens", "ids that are not written first", SettingFlag::ids},
};
constexpr SettingFlag kSampling[] = {
    {"do-sample", "draw; so does any of the next four", SettingFlag::yes},
    {"temperature", "divides the scores: below 1 likely tokens are likelier (1)",
     SettingFlag::number},
    {"top-k", "only the k likeliest tokens (50; 0: all)", SettingFlag::whole},
    {"top-p", "only the likeliest that have this probability together (1)", SettingFlag::number},
    {"min-p", "only those with this share of the likeliest's probability (0)", SettingFlag::number},
    {"seed", "of what is drawn (0)", SettingFlag::whole},
};

template <size_t n>
void add_settings(cxxopts::Options& options, const char* group, const SettingFlag (&flags)[n]) {
  auto add = options.add_options(group);
  for (const SettingFlag& f : flags) switch (f.kind) {
      case SettingFlag::whole:
        add(f.name, f.help, cxxopts::value<int64_t>(), "N");
        break;
      case SettingFlag::number:
        add(f.name, f.help, cxxopts::value<double>(), "X");
        break;
      case SettingFlag::yes:
        add(f.name, f.help);
        break;
      case SettingFlag::ids:
        add(f.name, f.help, cxxopts::value<std::string>(), "IDS");
        break;
      case SettingFlag::texts:
        add(f.name, f.help, cxxopts::value<std::vector<std::string>>(), "TEXT");
        break;
    }
}

// "2,7" -> [2, 7]; "none" -> null.
Json id_list(const std::string& flag, const std::string& text) {
  if (text.empty() || text == "none") return nullptr;
  const Json ids = Json::parse("[" + text + "]", nullptr, false);
  bool right = ids.is_array();
  for (const Json& id : ids) right = right && id.is_number_unsigned();
  if (!right)
    throw UsageError(engine::concat("--", flag, " cannot be '", text, "'",
                                    hint("ids with commas: 2,7; or none")));
  return ids;
}

// JSON tells numbers without a sign apart.
Json whole_number(int64_t n) { return n < 0 ? Json(n) : Json(static_cast<uint64_t>(n)); }

template <size_t n>
void take_settings(const cxxopts::ParseResult& parsed, const SettingFlag (&flags)[n], Json& to) {
  for (const SettingFlag& f : flags) {
    if (!parsed.count(f.name)) continue;
    std::string key = f.name;
    std::replace(key.begin(), key.end(), '-', '_');
    switch (f.kind) {
      case SettingFlag::whole:
        to[key] = whole_number(parsed[f.name].as<int64_t>());
        break;
      case SettingFlag::number:
        to[key] = parsed[f.name].as<double>();
        break;
      case SettingFlag::yes:
        to[key] = true;
        break;
      case SettingFlag::ids:
        to[key] = id_list(f.name, parsed[f.name].as<std::string>());
        break;
      case SettingFlag::texts:
        to[key] = parsed[f.name].as<std::vector<std::string>>();
        break;
    }
  }
}

constexpr double kQuiet = 2;  // seconds before progress is shown

constexpr const char* kUsage =
    "usage: peft generate RUN --prompt TEXT | --prompts FILE [--json]\n"
    "       peft generate --model M [--adapter A] --prompt TEXT | --prompts FILE [--json]\n"
    "peft generate --help explains all flags.\n";

CommandLine command_line(GenerateFlags& flags) {
  CommandLine line("peft generate",
                   "Writes on from prompts with a causal model. Settings mean what they mean in "
                   "transformers' generate; the model's generation_config.json is read, and flags "
                   "stand above it.",
                   {"", "Length", "Search", "Sampling"});
  const auto text = [](std::string& into) { return cxxopts::value<std::string>(into); };
  auto add = line.options.add_options();
  add("model", "Hugging Face folder of a causal model", text(flags.request.model), "MODEL");
  add("adapter", "folder of an adapter, or of a run", text(flags.request.adapter), "DIR");
  add("tokenizer", "folder of the tokenizer (the run's, or the model's)",
      text(flags.request.tokenizer), "DIR");
  add("prompt", "what the text begins with; may be given several times",
      cxxopts::value<std::vector<std::string>>(flags.prompts), "TEXT");
  add("prompts", "a prompt a line, or JSONL with \"prompt\"; - is standard input", text(flags.file),
      "FILE");
  add("json", "a JSON object a prompt: prompt, text, ids of what is new, logprob",
      cxxopts::value<bool>(flags.json));
  add("out", "file to write (standard output)", text(flags.out), "FILE");
  add("batch-size", "prompts computed together (8)", cxxopts::value<int64_t>(), "N");
  add("threads", "threads, 0: all (0)", cxxopts::value<int>(flags.threads), "N");
  add_settings(line.options, "Length", kLengths);
  line.options.add_options("Search")("greedy", "always the likeliest token",
                                     cxxopts::value<bool>(flags.greedy));
  add_settings(line.options, "Search", kSearch);
  add_settings(line.options, "Sampling", kSampling);
  line.options.add_options("hidden")("words", "",
                                     cxxopts::value<std::vector<std::string>>(flags.words));
  line.options.parse_positional({"words"});
  line.options.positional_help("[RUN]");
  return line;
}

void resolve(GenerateFlags& flags, const cxxopts::ParseResult& parsed) {
  take_settings(parsed, kLengths, flags.settings);
  take_settings(parsed, kSearch, flags.settings);
  take_settings(parsed, kSampling, flags.settings);
  if (parsed.count("batch-size"))
    flags.settings["batch_size"] = whole_number(parsed["batch-size"].as<int64_t>());
  if (flags.greedy) {
    for (const char* other : {"do-sample", "temperature", "top-k", "top-p", "min-p", "num-beams"})
      if (parsed.count(other))
        throw UsageError(engine::concat("--greedy and --", other, " are two ways to choose"));
    flags.settings["do_sample"] = false;
    flags.settings["num_beams"] = 1;
  }
  size_t next = 0;
  if (flags.request.model.empty() && flags.request.adapter.empty() && next < flags.words.size())
    flags.request.run = flags.words[next++];
  if (next < flags.words.size())
    throw UsageError(engine::concat("generate: what is '", flags.words[next], "'?",
                                    hint("a prompt is given with --prompt")));
  const auto usage = hint("peft generate RUN --prompt TEXT, or --model M --prompt TEXT");
  if (flags.request.run.empty() && flags.request.model.empty() && flags.request.adapter.empty())
    throw UsageError(engine::concat("generate: which model?", usage));
  if (!flags.prompts.empty() && !flags.file.empty())
    throw UsageError("--prompt and --prompts cannot be given together");
  if (flags.prompts.empty() && flags.file.empty())
    throw UsageError(engine::concat("generate: which prompt?", usage));
}

// What is written of a prompt: JSON, or the text; of several prompts a line each.
class Printer {
 public:
  Printer(std::ostream& out, bool json, const std::vector<Prompt>& prompts)
      : out_(out), json_(json), prompts_(prompts) {}

  // In the order of the prompts, whatever the order in which they are done.
  void done(int prompt, const run::Written& w) {
    waiting_[prompt] = w;
    for (auto it = waiting_.begin(); it != waiting_.end() && it->first == next_; ++next_) {
      print(prompts_[static_cast<size_t>(next_)], it->second);
      it = waiting_.erase(it);
    }
  }

 private:
  void print(const Prompt& prompt, const run::Written& w) {
    if (json_) {
      Json line;
      if (prompt.messages.is_null())
        line["prompt"] = prompt.text;
      else
        line["messages"] = prompt.messages;
      line["text"] = w.text;
      line["ids"] = w.ids;
      line["logprob"] = w.log_probability;
      line["ended"] = w.ended;
      out_ << engine::json_text(line) << std::endl;
      return;
    }
    std::string text = w.text;
    if (prompts_.size() > 1) std::replace(text.begin(), text.end(), '\n', ' ');
    out_ << text << std::endl;
  }

  std::ostream& out_;
  bool json_;
  const std::vector<Prompt>& prompts_;
  std::map<int, run::Written> waiting_;
  int next_ = 0;
};

// One prompt, whose text appears as it is written.
void stream_one(run::LanguageModel& lm, const std::vector<int32_t>& ids, const run::Writing& how,
                std::ostream& out) {
  data::DecodeStream stream(*lm.tokenizer);
  run::write(lm, {ids}, how,
             {.on_token = [&](int, int32_t id) { out << stream.push(id) << std::flush; },
              .interrupted = stop_requested});
  out << stream.finish() << std::endl;
}

}  // namespace

int generate_command(int argc, const char* const* argv, std::istream& in, bool, std::ostream& out,
                     std::ostream& notes) {
  if (argc == 1) {
    out << kUsage;
    return 2;
  }
  GenerateFlags flags;
  CommandLine line = command_line(flags);
  const auto parsed = line.parse(argc, argv);
  if (line.answered(out)) return 0;
  resolve(flags, parsed);
  std::vector<Prompt> prompts;
  for (const std::string& text : flags.prompts) prompts.push_back({text, {}});
  if (!flags.file.empty()) prompts = read_prompts(flags.file, in);
  watch_stop_signals();
  engine::set_threads(flags.threads);
  run::LanguageModel lm(flags.request, "generate");
  const run::Writing how = run::writing(lm, flags.settings);
  std::vector<std::vector<int32_t>> ids;
  for (size_t i = 0; i < prompts.size(); ++i) {
    check(prompts[i].messages.is_null(), "generate", "prompt ", i + 1,
          " is a chat, which is not offered yet");
    check(!prompts[i].text.empty(), "generate", "prompt ", i + 1, " is empty",
          hint("write its first words, or the begin token where the model has one"));
    ids.push_back(run::prompt_ids(lm, prompts[i].text));
  }

  const engine::Timer timer;
  if (prompts.size() == 1 && !flags.json && flags.out.empty() && how.options.beams == 1) {
    stream_one(lm, ids[0], how, out);
    return stop_requested() ? stop_exit_code() : 0;
  }
  std::optional<OutputFile> file;
  if (!flags.out.empty()) file.emplace(flags.out);
  Printer printer(file ? file->stream() : out, flags.json, prompts);
  Progress progress(static_cast<int64_t>(prompts.size()), {.label = "generate"});
  int64_t done = 0, tokens = 0;
  run::write(lm, ids, how,
             {.done =
                  [&](int prompt, const run::Written& w) {
                    ++done;
                    tokens += static_cast<int64_t>(w.ids.size());
                    if (timer.seconds() > kQuiet && progress.due(done))
                      progress.update(
                          done, {{"", format_rate(static_cast<double>(tokens) / timer.seconds()) +
                                          " tokens/s"}});
                    if (!file) progress.finish();
                    printer.done(prompt, w);
                  },
              .interrupted = stop_requested});
  progress.finish();
  if (file) file->keep();
  if (prompts.size() > 1)
    notes << format_count(done) << " texts, " << format_count(tokens) << " tokens in "
          << format_seconds(timer.seconds()) << ", "
          << format_rate(static_cast<double>(tokens) / timer.seconds()) << " tokens/s"
          << (file ? "; written to " + flags.out : "") << '\n';
  return stop_requested() ? stop_exit_code() : 0;
}

}  // namespace apps
