#include "apps/generate/command.h"

#include <algorithm>
#include <map>
#include <optional>
#include <ostream>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/progress.h"
#include "apps/common/signals.h"
#include "apps/generate/chat.h"
#include "apps/generate/flags.h"
#include "apps/generate/prompts.h"
#include "apps/generate/resumable.h"
#include "engine/base/threads.h"
#include "engine/base/timer.h"
#include "engine/io/hash.h"
#include "run/chat.h"
#include "run/generation.h"

namespace apps {

using engine::check;
using engine::hint;
using engine::Json;

namespace {

constexpr double kQuiet = 2;      // seconds before progress is shown
constexpr int kUsual = 128;       // new tokens where nobody says how many ...
constexpr int kUsualChat = 1024;  // ... and of an answer

constexpr const char* kUsage =
    "usage: peft generate RUN --prompt TEXT | --prompts FILE [--json]\n"
    "       peft generate --model M [--adapter A] --prompt TEXT | --prompts FILE [--json]\n"
    "       peft generate RUN --task e2e --data DIR --split test --out FILE\n"
    "       peft generate RUN       a chat\n"
    "peft generate --help explains all flags.\n";

// What is written of a prompt: JSON, or the text; of several prompts a line each.
class Printer {
 public:
  // `next`: the prompts before it are printed already.
  Printer(std::ostream& out, bool json, const std::vector<Prompt>& prompts, int next)
      : out_(out), json_(json), prompts_(prompts), next_(next) {}

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
      if (prompt.turns.empty()) line["prompt"] = prompt.text;
      for (const data::Turn& turn : prompt.turns)
        line["messages"].push_back({{"role", turn.role}, {"content", turn.content}});
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
  int next_;
};

std::vector<Prompt> prompts_of(const GenerateFlags& flags, const Columns& columns,
                               std::istream& in) {
  std::vector<Prompt> prompts;
  for (const std::string& text : flags.prompts) prompts.push_back({text, {}});
  if (!flags.file.empty()) prompts = read_prompts(flags.file, in, columns);
  for (size_t i = 0; i < prompts.size(); ++i) {
    Prompt& prompt = prompts[i];
    check(!prompt.text.empty() || !prompt.turns.empty(), "generate", "prompt ", i + 1, " is empty",
          hint("write its first words, or the begin token where the model has one"));
    if (flags.chat && prompt.turns.empty()) prompt.turns = {{"user", prompt.text}};
    const bool has_system = !prompt.turns.empty() && prompt.turns.front().role == "system";
    if (!prompt.turns.empty() && !flags.system.empty() && !has_system)
      prompt.turns.insert(prompt.turns.begin(), {"system", flags.system});
  }
  return prompts;
}

// Tells one job of writing from another: the model's values, the prompts, and how they are
// continued.
std::string job_key(const run::LanguageModel& lm, const std::vector<std::vector<int32_t>>& ids,
                    const GenerateFlags& flags) {
  engine::Hash hash;
  hash.add(run::model_identity(lm.source, 0));
  const auto block = lm.store->block();
  hash.add(block.value, static_cast<size_t>(block.size) * sizeof(engine::Scalar));
  hash.add(engine::json_text({{"ids", ids}, {"settings", flags.settings}, {"json", flags.json}}));
  hash.add(std::string(engine::precision_name(engine::precision())));
  return hash.hex();
}

void write_all(run::LanguageModel& lm, const std::vector<Prompt>& prompts,
               std::vector<std::vector<int32_t>> ids, const run::Writing& how,
               const GenerateFlags& flags, std::ostream& out, std::ostream& notes) {
  const auto all = static_cast<int64_t>(prompts.size());
  std::optional<ResumableLines> file;
  // A single text may have several lines, so they do not say whether it is whole.
  if (!flags.out.empty()) file.emplace(flags.out, all > 1 ? job_key(lm, ids, flags) : "");
  const int64_t before = file ? std::min(file->done(), all) : 0;
  if (before > 0)
    notes << "goes on behind " << format_count(before) << " of " << format_count(all)
          << " texts in " << flags.out << ".part\n";
  ids.erase(ids.begin(), ids.begin() + before);
  Printer printer(file ? file->stream() : out, flags.json, prompts, static_cast<int>(before));
  Progress progress(all, {.label = "generate"});
  const engine::Timer timer;
  int64_t done = before, tokens = 0;
  const auto rate = [&] {
    return format_rate(static_cast<double>(tokens) / timer.seconds()) + " tokens/s";
  };
  const auto finished = [&](int prompt, const run::Written& w) {
    ++done;
    tokens += static_cast<int64_t>(w.ids.size());
    if (timer.seconds() > kQuiet && progress.due(done)) progress.update(done, {{"", rate()}});
    if (!file) progress.finish();
    printer.done(static_cast<int>(before) + prompt, w);
  };
  run::write(lm, ids, how, {.done = finished, .interrupted = stop_requested});
  progress.finish();
  if (file && done == all) file->finish();
  if (prompts.size() > 1)
    notes << format_count(done) << " texts, " << format_count(tokens) << " tokens in "
          << format_seconds(timer.seconds()) << ", " << rate()
          << (file && done == all ? "; written to " + flags.out : "") << '\n';
  if (file && done < all)
    notes << "stopped; what is written is kept in " << flags.out
          << ".part, and the same command goes on with it\n";
}

}  // namespace

int generate_command(int argc, const char* const* argv, std::istream& in, bool in_is_terminal,
                     std::ostream& out, std::ostream& notes) {
  if (argc == 1) {
    out << kUsage;
    return 2;
  }
  GenerateFlags flags;
  CommandLine line("peft generate",
                   "Writes on from prompts with a causal model, or for sources with an "
                   "encoder-decoder; without a prompt, a chat in the terminal. Settings mean what "
                   "they mean in transformers' generate; the model's "
                   "generation_config.json is read, and flags stand above it.",
                   {"", "Length", "Search", "Sampling"});
  flags.add_to(line);
  const auto parsed = line.parse(argc, argv);
  if (line.answered(out)) return 0;
  flags.resolve(parsed);
  notes << flags.note;
  if (flags.interactive() && !in_is_terminal)
    throw UsageError(engine::concat("generate: which prompt?",
                                    hint("--prompt TEXT, --prompts FILE, or a terminal")));
  watch_stop_signals();
  engine::set_threads(flags.threads);
  flags.precision.use();
  run::LanguageModel lm(flags.request, "generate");
  const bool encoder = lm.body().facts().encodes_and_decodes();
  Columns columns{flags.source, encoder};
  if (columns.given.empty() && encoder && lm.rules) columns.given = lm.rules->source;
  std::vector<Prompt> prompts = prompts_of(flags, columns, in);
  const bool chats = flags.interactive() ||
                     std::any_of(prompts.begin(), prompts.end(),
                                 [](const Prompt& prompt) { return !prompt.turns.empty(); });
  engine::check(!chats || !encoder, "generate", "model_type '", lm.body().facts().model_type,
                "' does not chat: it writes for a source",
                hint("give --prompt TEXT or --prompts FILE"));
  if (!flags.task.empty())
    prompts = table_prompts(flags.task, flags.data, flags.split,
                            run::linearization_of(lm, flags.linearization));
  run::Writing how = run::writing(lm, flags.settings, chats ? kUsualChat : kUsual);
  const data::ChatFormat* format = chats ? &run::chat_format_of(lm, flags.chat_format) : nullptr;
  if (chats && !flags.settings.contains("eos_token_id"))
    for (const int32_t id : run::chat_ends(lm, *format))
      if (std::find(how.options.end.begin(), how.options.end.end(), id) == how.options.end.end())
        how.options.end.push_back(id);

  std::vector<std::vector<int32_t>> ids;
  // A run's sources are cut as it cut them.
  const int most = encoder && lm.known ? lm.known->max_length : 0;
  int64_t cut = 0;
  for (size_t i = 0; i < prompts.size(); ++i) {
    ids.push_back(prompts[i].turns.empty() ? run::prompt_ids(lm, prompts[i].text)
                                           : run::chat_ids(lm, *format, prompts[i].turns,
                                                           engine::concat("prompt ", i + 1)));
    if (most == 0 || ids.back().size() <= static_cast<size_t>(most)) continue;
    ids.back() = run::prompt_ids(lm, prompts[i].text, most);
    ++cut;
  }
  if (cut > 0)
    notes << format_count(cut) << " of " << format_count(static_cast<int64_t>(prompts.size()))
          << " sources were cut to " << most << " tokens, as in the run\n";
  const bool streams = how.options.beams == 1 && !flags.json && flags.out.empty();
  if (flags.interactive())
    chat_loop(lm, *format, flags.system, how, in, out, notes);
  else if (prompts.size() == 1 && streams)
    stream_text(lm, ids[0], how, out);
  else
    write_all(lm, prompts, ids, how, flags, out, notes);
  return stop_requested() ? stop_exit_code() : 0;
}

}  // namespace apps
