#include "apps/common/command_line.h"

#include <algorithm>
#include <map>
#include <ostream>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/table.h"
#include "engine/base/version.h"

namespace apps {
namespace {

// Hugging Face's run_glue.py, Trainer and PEFT names, with hyphens, and our own older ones -> ours.
const std::multimap<std::string, std::string>& hugging_face() {
  static const std::multimap<std::string, std::string> names = {
      {"learning-rate", "lr"},
      {"num-train-epochs", "epochs"},
      {"num-epochs", "epochs"},
      {"per-device-train-batch-size", "batch-size"},
      {"per-gpu-train-batch-size", "batch-size"},
      {"train-batch-size", "batch-size"},
      {"per-device-eval-batch-size", "eval-batch-size"},
      {"per-device-eval-batch-size", "batch-size"},
      {"max-seq-length", "max-length"},
      {"max-sequence-length", "max-length"},
      {"max-seq-len", "max-length"},
      {"output-dir", "out"},
      {"model-name-or-path", "model"},
      {"model-name", "model"},
      {"tokenizer-name", "tokenizer"},
      {"task-name", "task"},
      {"data-dir", "data"},
      {"train-file", "train"},
      {"train-file", "corpus"},
      {"validation-file", "dev"},
      {"test-file", "test"},
      {"text-column-name", "text"},
      {"text-column", "text"},
      {"label-column-name", "label"},
      {"gradient-accumulation-steps", "grad-accumulation"},
      {"lr-scheduler-type", "schedule"},
      {"label-smoothing-factor", "label-smoothing"},
      {"early-stopping-patience", "patience"},
      {"metric-for-best-model", "metric"},
      {"eval-steps", "eval-every"},
      {"logging-steps", "log-every"},
      {"mlm-probability", "mask-rate"},
      {"adam-beta2", "beta2"},
      {"piece-tokens", "micro-batch-tokens"},
  };
  return names;
}

// Names that are known and have no flag of the same meaning: what to do instead.
const std::map<std::string, std::string>& elsewhere() {
  static const std::map<std::string, std::string> names = {
      {"do-train", "training is what this command does; leave it out"},
      {"do-eval", "the development set is always evaluated; leave it out"},
      {"do-predict", "give --test FILE, or use peft predict"},
      {"overwrite-output-dir", "a run is never overwritten; give another --out"},
      {"save-steps", "states are saved by time: --save-every SECONDS"},
      {"evaluation-strategy", "give --eval-every N (updates), or leave it out for every epoch"},
      {"eval-strategy", "give --eval-every N (updates), or leave it out for every epoch"},
      {"resume-from-checkpoint", "give --resume with the run's --out"},
      {"fp16", "there is no training in FP16 here; give --precision bf16"},
      {"bf16", "give --precision bf16"},
      {"lora-r", "options of a strategy are in its spec: --strategy lora:r=8,alpha=16"},
      {"lora-alpha", "options of a strategy are in its spec: --strategy lora:r=8,alpha=16"},
      {"lora-dropout", "options of a strategy are in its spec: --strategy lora:r=8,dropout=0.1"},
      {"target-modules", "write --strategy lora:targets=q_proj+v_proj"},
  };
  return names;
}

}  // namespace

std::string our_flag(const std::string& name, const std::vector<std::string>& known) {
  const auto has = [&](const std::string& flag) {
    return std::find(known.begin(), known.end(), flag) != known.end();
  };
  std::string plain = name;
  std::replace(plain.begin(), plain.end(), '_', '-');
  if (has(plain)) return plain;
  const auto [from, to] = hugging_face().equal_range(plain);
  for (auto it = from; it != to; ++it)
    if (has(it->second)) return it->second;
  if (const auto it = elsewhere().find(plain); it != elsewhere().end())
    throw UsageError(engine::concat("there is no --", plain, engine::hint(it->second)));
  return plain;
}

CommandLine::CommandLine(const std::string& program, const std::string& about,
                         std::vector<std::string> groups)
    : options(program, wrap(about, help_width(), 0)), groups_(std::move(groups)) {
  options.custom_help("[OPTION...]");
}

cxxopts::ParseResult CommandLine::parse(int argc, const char* const* argv) {
  options.add_options(groups_.back())("h,help", "this text", cxxopts::value<bool>(help))(
      "version", "the version of this program", cxxopts::value<bool>(version));
  return parse_flags(options, argc, argv);
}

bool CommandLine::answered(std::ostream& out) const {
  if (help) out << help_text();
  if (version && !help) out << version_text();
  return help || version;
}

std::string version_text() {
  return engine::concat("peft ", engine::version(), " (", engine::git_revision(), ", ",
                        engine::compiler(), ")\n");
}

int help_width() {
  const int width = terminal_width();
  return width == 0 ? 80 : std::max(40, width);
}

std::string wrap(std::string_view text, int width, int indent) {
  std::string out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    int room = width;
    while (display_width(line) > room) {
      const size_t first = line.find_first_not_of(' ');
      if (first == std::string_view::npos) break;
      size_t at = line.rfind(' ', static_cast<size_t>(room));
      if (at == std::string_view::npos || at < first) at = line.find(' ', first);
      if (at == std::string_view::npos) break;
      const size_t last = line.find_last_not_of(' ', at), next = line.find_first_not_of(' ', at);
      if (next == std::string_view::npos) break;
      out += line.substr(0, last + 1);
      out += '\n' + std::string(static_cast<size_t>(indent), ' ');
      line = line.substr(next);
      room = std::max(10, width - indent);
    }
    out += line;
    out += '\n';
    begin = end + 1;
  }
  return out;
}

}  // namespace apps
