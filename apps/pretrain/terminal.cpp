#include "apps/pretrain/terminal.h"

#include <iostream>

#include "apps/common/format.h"
#include "apps/common/signals.h"
#include "run/pretrain/pretrainer.h"

namespace apps {

bool PretrainTerminal::stop() { return stop_requested(); }
void PretrainTerminal::worker() { leave_stop_signals_to_parent(); }

void PretrainTerminal::say(const std::string& line) {
  if (progress_)
    progress_->note(line);
  else if (!quiet_)
    std::cerr << line << std::endl;
}

void PretrainTerminal::tokenising(const data::CorpusProgress& p) {
  if (quiet_) return;
  if (!progress_)
    progress_ = std::make_unique<Progress>(0, ProgressOptions{.label = "tokenise", .now = {}});
  if (progress_->due(p.paragraphs))
    progress_->update(p.paragraphs, {{"documents", format_count(p.documents)},
                                     {"tokens", format_count(p.tokens)}});
}

void PretrainTerminal::tokenised(const data::CorpusProgress& p, double seconds) {
  progress_.reset();
  say("corpus: " + format_count(p.documents) + " documents, " + format_count(p.paragraphs) +
      " paragraphs, " + format_count(p.tokens) + " tokens in " + format_seconds(seconds));
}

void PretrainTerminal::begun(const run::Pretrainer& run) {
  const std::string& objective = run.settings().objective;
  say(objective + ": " + format_count(run.store().total_count()) + " parameters, " +
      format_count(run.streams().whole.packed->tokens()) + " tokens to train on, " +
      format_count(run.streams().held_out.packed->tokens()) + " held out, peak " +
      format_number(run.peak_gflops(), 0) + " GFLOP/s" +
      (run.step() > 0 ? ", resumed at step " + format_count(run.step()) : ""));
  if (!quiet_)
    progress_ = std::make_unique<Progress>(
        1000, ProgressOptions{
                  .label = objective, .first = static_cast<int64_t>(1000 * run.used()), .now = {}});
}

void PretrainTerminal::stepped(const run::Pretrainer& run) {
  const auto at = static_cast<int64_t>(1000 * run.used());
  if (!progress_ || !progress_->due(at)) return;
  const run::Pretrainer::Window& w = run.window();
  const auto rate = [&](double amount) { return w.seconds > 0 ? amount / w.seconds : 0; };
  progress_->update(
      at, {{"step", format_count(run.step())},
           {"loss", format_number(w.scores[0].mean(), 3)},
           {"accuracy", format_percent(100 * w.scores[0].accuracy())},
           {"lr", format_significant(w.lr, 3)},
           {"", format_rate(rate(w.tokens)) + " tokens/s"},
           {"", format_percent(100 * rate(w.flops) * 1e-9 / run.peak_gflops()) + " of peak"}});
}

void PretrainTerminal::evaluated(const run::Pretrainer& run,
                                 const std::vector<run::Score>& scores) {
  const auto& names = run.objective().parts();
  last_evaluation_.clear();
  for (size_t i = 0; i < names.size(); ++i)
    last_evaluation_ += (i ? ", " : "") + names[i] + " loss " + format_number(scores[i].mean(), 4) +
                        ", accuracy " + format_percent(100 * scores[i].accuracy());
  say("step " + format_count(run.step()) + ", " + format_count(static_cast<int64_t>(run.tokens())) +
      " tokens, held out: " + last_evaluation_);
}

void PretrainTerminal::ended(const run::Pretrainer& run, bool finished) {
  if (progress_) progress_->finish();
  say(finished ? "finished: " + last_evaluation_ + "; " + (run.settings().out / "model").string()
               : "stopped at step " + format_count(run.step()) + "; go on with --resume");
}

}  // namespace apps
