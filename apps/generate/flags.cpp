#include "apps/generate/flags.h"

#include <algorithm>

#include "apps/common/main_guard.h"
#include "engine/io/json_parse.h"
#include "run/presets.h"

namespace apps {

using engine::hint;
using engine::Json;

namespace {

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
    {"early-stopping", "beams: over as soon as so many texts have ended", SettingFlag::yes},
    {"forced-bos-token-id", "the id that is written first by an encoder-decoder",
     SettingFlag::whole},
    {"forced-eos-token-id", "ids that alone may stand at the longest length", SettingFlag::ids},
    {"decoder-start-token-id", "the id that an encoder-decoder's decoder begins with",
     SettingFlag::whole},
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
        add(f.name, f.help, number_flag<int64_t>(), "N");
        break;
      case SettingFlag::number:
        add(f.name, f.help, number_flag<double>(), "X");
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
  const Json ids = engine::json_detail::parse_if_json<Json>("[" + text + "]");
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

}  // namespace

void GenerateFlags::add_to(CommandLine& line) {
  const auto text = [](std::string& into) { return cxxopts::value<std::string>(into); };
  auto add = line.options.add_options();
  add("model", "name on Hugging Face's hub or folder of a causal model or an encoder-decoder",
      text(request.model), "MODEL");
  add("adapter", "folder of an adapter, or of a run", text(request.adapter), "DIR");
  add("tokenizer", "folder of the tokenizer (the run's, or the model's)", text(request.tokenizer),
      "DIR");
  add("prompt", "what the text begins with; may be given several times",
      cxxopts::value<std::vector<std::string>>(prompts), "TEXT");
  add("prompts", "a prompt a line, or JSONL with \"prompt\"; - is standard input", text(file),
      "FILE");
  add("source", "column of the prompts in that file (prompt, text, source, document, ...)",
      text(source), "NAME");
  add("task", "prompts are the tables of e2e, webnlg or dart, in --data", text(task), "NAME");
  add("data", "folder of the task's files, or one of them", text(data), "DIR");
  add("split", "train, dev or test (test)", text(split), "NAME");
  add("linearization", "of tables: lora, prefix-tuning (the run's, or lora)", text(linearization),
      "NAME");
  add("preset", "a paper's way of writing, for instance lora-e2e; flags stand above it",
      text(preset), "NAME");
  add("chat", "prompts are what a user says, in the form of the model's chats",
      cxxopts::value<bool>(chat));
  add("system", "the system message of a chat", text(system), "TEXT");
  add("chat-format", "the form of its chats, if the tokenizer brings none that is known",
      text(chat_format), "NAME");
  add("json", "a JSON object a prompt: prompt, text, ids of what is new, logprob",
      cxxopts::value<bool>(json));
  add("out",
      "file to write (standard output); of several prompts, the same command goes on with it",
      text(out), "FILE");
  add("batch-size", "prompts computed together (8)", number_flag<int64_t>(), "N");
  add("threads", "threads, 0: all (0)", number_flag(threads), "N");
  precision.add_to(line.options);
  add_settings(line.options, "Length", kLengths);
  line.options.add_options("Search")("greedy", "always the likeliest token",
                                     cxxopts::value<bool>(greedy));
  add_settings(line.options, "Search", kSearch);
  add_settings(line.options, "Sampling", kSampling);
  line.options.add_options("hidden")("words", "", cxxopts::value<std::vector<std::string>>(words));
  line.options.parse_positional({"words"});
  line.options.positional_help("[RUN]");
}

// What is given stands above it; who samples or wants no beams takes the rest of it.
void GenerateFlags::take_preset(const cxxopts::ParseResult& parsed) {
  const run::Preset& known = run::preset(preset);
  engine::check(!known.generate.empty(), "preset", preset, " says nothing of writing texts",
                hint("lora-e2e does, and the others for e2e, webnlg and dart"));
  Json sets = known.generate;
  for (const char* other : {"greedy", "do-sample", "temperature", "top-k", "top-p", "min-p"})
    if (parsed.count(other)) sets.erase("num_beams");
  note = run::preset_text(known, sets, settings);
  sets.update(settings);
  settings = std::move(sets);
}

void GenerateFlags::resolve(const cxxopts::ParseResult& parsed) {
  take_settings(parsed, kLengths, settings);
  take_settings(parsed, kSearch, settings);
  take_settings(parsed, kSampling, settings);
  if (!preset.empty()) take_preset(parsed);
  if (parsed.count("batch-size"))
    settings["batch_size"] = whole_number(parsed["batch-size"].as<int64_t>());
  if (greedy) {
    for (const char* other : {"do-sample", "temperature", "top-k", "top-p", "min-p", "num-beams"})
      if (parsed.count(other))
        throw UsageError(engine::concat("--greedy and --", other, " are two ways to choose"));
    settings["do_sample"] = false;
    settings["num_beams"] = 1;
  }
  size_t next = 0;
  if (request.model.empty() && request.adapter.empty() && next < words.size())
    request.run = words[next++];
  if (next < words.size())
    throw UsageError(engine::concat("generate: what is '", words[next], "'?",
                                    hint("a prompt is given with --prompt")));
  const auto usage = hint("peft generate RUN --prompt TEXT, or --model M --prompt TEXT");
  if (request.run.empty() && request.model.empty() && request.adapter.empty())
    throw UsageError(engine::concat("generate: which model?", usage));
  if (!prompts.empty() + !file.empty() + !task.empty() > 1)
    throw UsageError("--prompt, --prompts and --task are three ways to give prompts: choose one");
  if (task.empty() != data.empty())
    throw UsageError(engine::concat(task.empty() ? "--data needs --task" : "--task needs --data",
                                    hint("--task e2e --data DIR --split test")));
  if (!source.empty() && file.empty()) throw UsageError("--source needs --prompts FILE");
  for (const char* flag : {"split", "linearization"})
    if (parsed.count(flag) && task.empty())
      throw UsageError(engine::concat("--", flag, " needs --task"));
  if (json && interactive()) throw UsageError(engine::concat("generate: which prompt?", usage));
}

}  // namespace apps
