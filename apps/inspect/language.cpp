#include "apps/inspect/language.h"

#include <algorithm>
#include <numeric>
#include <ostream>

#include "apps/common/format.h"
#include "apps/common/table.h"
#include "engine/ops/elementwise.h"
#include "run/language_model.h"
#include "run/texts.h"

namespace apps {

using engine::check;
using engine::hint;
using engine::Json;

namespace {

struct Reading {
  std::vector<double> nll;     // of every token after the first
  std::vector<double> logits;  // at the last
};

Reading read(run::LanguageModel& lm, const std::vector<int32_t>& ids) {
  engine::Batch batch;
  batch.ids = ids;
  batch.segments.add(static_cast<int32_t>(ids.size()));
  batch.targets.assign(ids.begin() + 1, ids.end());
  batch.targets.push_back(-1);
  Reading reading;
  reading.nll.resize(ids.size());
  engine::Graph g(lm.workspace, {.record = false});
  const engine::Tensor x = lm.body().encode(g, batch);
  if (ids.size() > 1) lm.head().loss(g, x, batch.targets, {.nll = reading.nll.data()});
  reading.nll.pop_back();
  const engine::Tensor last =
      lm.head().logits(g, engine::select_rows(g, x, {static_cast<int32_t>(ids.size()) - 1}));
  reading.logits.assign(last.row(0), last.row(0) + last.cols());
  return reading;
}

// The likeliest three next tokens as the tokenizer writes them.
std::string likeliest_next(const data::Tokenizer& tokenizer, const std::vector<double>& logits) {
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const size_t count = std::min<size_t>(3, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](int32_t a, int32_t b) {
                      return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
                    });
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text +=
        (i ? " " : "") + (order[i] < tokenizer.vocab_size() ? tokenizer.pieces({&order[i], 1})[0]
                                                            : std::to_string(order[i]));
  return text;
}

}  // namespace

void inspect_language(const InspectOptions& given, run::Located found, std::ostream& out) {
  run::LanguageModel lm(std::move(found), false);
  const int64_t longest = run::longest_text(lm);
  Table table({{"text", Align::left, Fit::cut},
               {"tokens", Align::right},
               {"nats a token", Align::right},
               {"next", Align::left, Fit::cut}});
  for (size_t i = 0; i < given.texts.size(); ++i) {
    const std::string& text = given.texts[i];
    const std::vector<int32_t> ids = lm.tokenizer->encode(text, given.max_length).ids;
    check(!ids.empty(), "logits", "text ", i + 1, " is empty");
    check(static_cast<int64_t>(ids.size()) <= longest, "logits", "text ", i + 1, " has ",
          ids.size(), " tokens, and the model has ", longest, " positions",
          hint("--max-length ", longest, " cuts it"));
    const Reading reading = read(lm, ids);
    if (given.json) {
      out << engine::json_text(Json{
                 {"text", text}, {"ids", ids}, {"nll", reading.nll}, {"logits", reading.logits}})
          << '\n';
      continue;
    }
    const double sum = std::accumulate(reading.nll.begin(), reading.nll.end(), 0.0);
    table.add({cut_to_width(text, 1 << 20), format_count(static_cast<int64_t>(ids.size())),
               reading.nll.empty()
                   ? "-"
                   : format_number(sum / static_cast<double>(reading.nll.size()), 4),
               likeliest_next(*lm.tokenizer, reading.logits)});
  }
  if (!given.json) out << table.text(given.width);
}

}  // namespace apps
