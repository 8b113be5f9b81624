#include "run/trace/subject.h"

#include "data/batcher.h"
#include "data/language/rows.h"
#include "data/table_text/rows.h"
#include "engine/base/philox.h"
#include "run/by_name.h"
#include "run/plan.h"
#include "run/texts.h"

namespace run {
namespace {

using engine::check;
using engine::hint;

// The task that a made-up batch is of: by --task, --kind, or what the model is.
data::TaskInfo made_up_task(const TraceSettings& settings, const models::ModelConfig& config) {
  const FinetuneSettings& s = settings.finetune;
  if (s.language()) return data::language_info(s.task, {});
  if (!s.task.empty()) return data::glue_task(s.task);
  data::TaskInfo info;
  info.kind = !s.kind.empty() ? s.kind : s.regression ? "regress" : "";
  if (info.kind.empty() &&
      planned_head(config, settings.num_labels) == models::HeadKind::language_model)
    return data::language_info("lm", {});
  if (info.kind.empty()) info.kind = config.num_labels == 1 ? "regress" : "classify";
  info.key = info.name = info.kind;
  info.regression = info.kind == "regress";
  const int labels = settings.num_labels > 0 ? settings.num_labels : config.num_labels;
  for (int i = 0; i < labels && !info.regression; ++i)
    info.labels.push_back(i < static_cast<int>(config.labels.size())
                              ? config.labels[static_cast<size_t>(i)]
                              : "LABEL_" + std::to_string(i));
  return info;
}

// Words and labels drawn at random, the same for the same sizes.
engine::TokenBatch made_up_batch(const data::TaskInfo& info, const models::Facts& facts,
                                 int64_t sequences, int64_t length) {
  engine::TokenBatch batch;
  engine::Random random(1, 0);
  const auto below = [&](int64_t n) {
    return static_cast<int32_t>(random.below(static_cast<uint64_t>(std::max<int64_t>(1, n))));
  };
  for (int64_t i = 0; i < sequences; ++i) {
    for (int64_t t = 0; t < length; ++t) batch.ids.push_back(below(facts.vocab));
    batch.segments.add(static_cast<int32_t>(length));
    batch.examples.push_back(i);
    if (info.kind == "lm" || info.kind == "tag") continue;
    const int64_t each = info.kind == "multilabel" ? info.outputs() : 1;
    for (int64_t k = 0; k < each; ++k)
      batch.labels.push_back(info.regression ? below(6) : below(each > 1 ? 2 : info.outputs()));
  }
  batch.types.assign(batch.ids.size(), 0);
  if (info.kind == "lm" && facts.encodes_and_decodes()) {  // an output as long as its input
    for (size_t t = 0; t < batch.ids.size(); ++t) batch.output.ids.push_back(below(facts.vocab));
    batch.output.segments = batch.segments;
  }
  for (size_t row = 0; row < batch.ids.size() && batch.labels.empty(); ++row)
    batch.targets.push_back(below(info.kind == "lm" ? facts.vocab : info.outputs()));
  return batch;
}

TraceSubject made_up_subject(const TraceSettings& settings) {
  const FinetuneSettings& s = settings.finetune;
  check(!s.model.empty(), "trace", "--model is missing",
        hint("give a Hugging Face folder, a config.json, or random:layers=2,hidden=128"));
  check(s.adapter.empty(), "trace", "--adapter needs data",
        hint("give --task with --data, or --train"));
  check(s.batch_size > 0 && settings.length > 0, "trace", "a step of ", s.batch_size,
        " sequences of ", settings.length, " tokens");
  models::ModelSource source =
      models::open_model(by_name(s.model, settings.dry ? Need::config : Need::weights));
  const data::TaskInfo info = made_up_task(settings, source.config);
  TraceSubject subject;
  Session& session = subject.session;
  session.task = tasks::make_task(info, {.label_smoothing = s.label_smoothing});
  models::ModelConfig& config = source.config;
  if (info.kind != "lm") models::set_labels(config, info.outputs(), info.labels);
  if (s.dropout >= 0) config.set_dropout(s.dropout);
  config.head = session.task->head();
  config.multi_label = info.kind == "multilabel";
  if (config.head == models::HeadKind::language_model) check_writes(config.facts);
  static_cast<OpenModel&>(session) =
      open_model(std::move(source), s.strategy.empty() ? "full" : s.strategy,
                 {.seed = s.seed, .values = !settings.dry});
  const int64_t longest = longest_text(session);
  check(settings.length <= longest, "trace", "a length of ", settings.length, " does not fit the ",
        longest, " positions that this model has for a text");
  session.task->attach(*session.model);
  session.dataset.info = info;
  subject.batch = made_up_batch(info, session.source.config.facts, s.batch_size, settings.length);
  return subject;
}

}  // namespace

TraceSubject open_subject(const TraceSettings& settings) {
  const FinetuneSettings& s = settings.finetune;
  if (s.data.empty() && s.train.empty()) return made_up_subject(settings);
  check(!settings.dry, "trace", "a dry run has no use for data",
        hint("leave --data and --train out, and give --batch-size and --max-length"));
  s.check();
  TraceSubject subject{open_session(s), {}};
  data::TrainBatches batches(subject.session.splits.at("train"), s.batch_size, s.seed, s.shuffle);
  batches.next(subject.batch);
  return subject;
}

}  // namespace run
