#include "apps/finetune/terminal.h"

#include <cstdio>
#include <ostream>
#include <sstream>

#include "apps/common/format.h"
#include "apps/common/plain_text.h"
#include "apps/finetune/scores.h"
#include "engine/base/threads.h"
#include "engine/tensor/gemm.h"

namespace apps {

using engine::Json;

std::string trainable_line(const run::ParameterCounts& c) {
  return engine::concat(
      "trainable params: ", format_count(c.trainable), " || all params: ", format_count(c.total),
      " || trainable%: ",
      format_number(100.0 * static_cast<double>(c.trainable) / static_cast<double>(c.total), 4));
}

namespace {

// The columns in use, how many examples a class has, and how long they are.
std::string data_lines(const run::Session& s) {
  std::string out;
  if (const data::ColumnNames& c = s.dataset.columns; !c.text.empty())
    out += "columns   text '" + c.text + "'" + (c.text_b.empty() ? "" : " and '" + c.text_b + "'") +
           ", label '" + c.label + "'\n";
  constexpr size_t kShownClasses = 12;
  for (const auto& [name, split] : s.splits) {
    const Json json = run::describe_split(*s.task, split);
    const Json& lengths = json.at("lengths");
    std::string line = name + ": " + format_count(split.size());
    if (json.contains("classes")) {
      size_t shown = 0;
      line += " (";
      for (const auto& [label, count] : json.at("classes").items()) {
        if (shown == kShownClasses) {
          line += ", ...";
          break;
        }
        line += (shown++ ? ", " : "") + label + " " + format_count(count.get<int64_t>());
      }
      line += ")";
    }
    line += engine::concat("; tokens: median ", lengths.at("median").get<int>(), ", 95% within ",
                           lengths.at("p95").get<int>(), ", longest ",
                           lengths.at("longest").get<int>());
    out += "data      " + line + "\n";
  }
  return out;
}

}  // namespace

void TerminalWatcher::opened(const run::Session& s, const run::FinetuneSettings& settings,
                             int64_t steps) {
  const models::Facts& c = s.source.config.facts;
  const data::EncodedSplit& train = s.splits.at("train");
  std::ostringstream text;  // with names from data and files
  text << "task      " << s.task->info().name << ": " << format_count(train.size())
       << " examples of "
       << format_number(static_cast<double>(train.tokens()) / static_cast<double>(train.size()), 1)
       << " tokens, "
       << (train.terms() > 0           ? format_count(train.terms()) + " tokens to learn"
           : s.task->info().regression ? std::string("regression")
                                       : std::to_string(s.task->info().labels.size()) + " classes")
       << "; encoded in " << format_seconds(s.encode_seconds) << '\n'
       << data_lines(s) << "model     " << settings.model << " (" << c.model_type << ", "
       << c.layers << " layers of " << c.hidden << ", " << c.heads << " heads)\n"
       << "strategy  " << s.strategy->spec() << '\n'
       << "training  " << format_count(steps) << " updates of "
       << int64_t{settings.batch_size} * settings.grad_accumulation << " sequences, learning rate "
       << format_significant(settings.lr, 3) << ", seed " << settings.seed << ", "
       << engine::threads_text() << (settings.deterministic ? ", deterministic" : "")
       << (settings.precision == "bf16" ? ", products in bf16"
           : settings.weights == "bf16" ? ", weights in bf16"
                                        : "")
       << '\n'
       << trainable_line(run::count_parameters(*s.store)) << '\n';
  for (const std::string& note : s.notes) text << "note      " << note << '\n';
  if (const std::string complaint = engine::blas_complaint(); !complaint.empty())
    text << "warning   " << complaint << '\n';
  out_ << plain_text(text.str(), "\n") << std::flush;
}

void TerminalWatcher::resumed(int64_t step) {
  out_ << "resumed   after update " << format_count(step) << '\n' << std::flush;
}

void TerminalWatcher::show(const std::string& label, int64_t first, int64_t all) {
  ProgressOptions options;
  options.label = label;
  options.first = first;
  options.terminal = terminal_;
  progress_ = std::make_unique<Progress>(all, options);
}

void TerminalWatcher::features(int64_t done, int64_t all) {
  if (!progress_) show("features", 0, all);
  if (progress_->due(done)) progress_->update(done, {});
}

void TerminalWatcher::features_kept(int64_t examples, double seconds, int64_t bytes) {
  progress_.reset();
  out_ << "features  of " << format_count(examples) << " examples in " << format_seconds(seconds)
       << ", " << format_bytes(static_cast<double>(bytes))
       << " kept: from here on only the head runs\n"
       << std::flush;
}

void TerminalWatcher::training(const run::Session& s, int64_t first, int64_t steps) {
  show(s.task->info().name + " " + s.strategy->name(), first, steps);
}

void TerminalWatcher::stepped(const engine::Update& u, double loss, const run::RunTotals& totals) {
  if (progress_->due(u.step))
    progress_->update(u.step, {{"loss", format_number(loss, 4)},
                               {"", format_rate(totals.tokens_per_second()) + " tokens/s"}});
}

void TerminalWatcher::evaluated(const run::Session& s, int64_t step, const Json& metrics) {
  std::string line = engine::concat("update ", format_count(step), ": ");
  for (const auto& [name, values] : metrics.items()) {
    line += name;
    for (const std::string& metric : s.task->info().metrics)
      line += " " + metric + " " + format_number(values.at(metric).get<double>(), 4);
    line += "  ";
  }
  progress_->note(line);
}

void TerminalWatcher::text_written(int64_t done, int64_t all) {
  if (!progress_) show("texts of dev", 0, all);
  if (progress_->due(done)) progress_->update(done, {});
}

void TerminalWatcher::text_scored(const Json& scores) {
  progress_.reset();
  out_ << text_scores_text(scores) << std::flush;
}

void TerminalWatcher::profiled(const engine::Profile& profile, const std::filesystem::path& trace) {
  out_ << "\n  op                     calls   forward   backward   saved for backward\n";
  for (const auto& line : profile.lines()) {
    char text[160];
    std::snprintf(text, sizeof text, "  %-20s %7lld %9s %10s %12s\n", line.op.c_str(),
                  static_cast<long long>(line.calls), format_seconds(line.forward_seconds).c_str(),
                  format_seconds(line.backward_seconds).c_str(),
                  format_bytes(static_cast<double>(line.saved_bytes)).c_str());
    out_ << text;
  }
  out_ << "  a trace for Perfetto is in " << trace.string() << '\n';
}

void TerminalWatcher::stopped(int64_t step, int64_t steps) {
  out_ << "stopped after update " << format_count(step) << " of " << format_count(steps)
       << "; nothing is lost: run the same command with --resume to go on\n";
}

void TerminalWatcher::finished(const run::Session& s, const run::FinetuneSettings& settings,
                               const Json& metrics, const Json& test_metrics,
                               const run::RunTotals& t, int64_t steps) {
  out_ << '\n'
       << plain_text(s.task->info().name) << ", " << s.strategy->spec() << '\n'
       << trainable_line(run::count_parameters(*s.store)) << '\n';
  for (const Json* scores : {&metrics, &test_metrics})
    for (const auto& [split, values] : scores->items())
      out_ << scores_text(s.task->info(), split, values) << report_text(values);
  out_ << format_count(steps) << " updates in " << format_seconds(t.seconds) << ", "
       << format_rate(t.tokens_per_second()) << " tokens/s in training, " << format_flops(t.flops())
       << " of matrix products (forward " << format_flops(t.forward_flops) << ", input gradients "
       << format_flops(t.input_gradient_flops) << ", weight gradients "
       << format_flops(t.weight_gradient_flops) << ")\n"
       << "peak memory " << format_bytes(static_cast<double>(t.resident_bytes_peak))
       << ", of it tensors " << format_bytes(static_cast<double>(t.pool_bytes_peak))
       << " and of those kept for backward "
       << format_bytes(static_cast<double>(t.saved_bytes_peak)) << '\n'
       << "written to " << settings.out << '\n';
  out_.flush();
}

}  // namespace apps
