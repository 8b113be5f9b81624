#include "run/settings.h"

#include <limits>
#include <type_traits>

#include "data/chat/format.h"
#include "data/glue.h"
#include "data/table_text/rows.h"
#include "engine/base/number.h"
#include "engine/base/threads.h"
#include "engine/nn/precision.h"
#include "engine/optim/schedule.h"

namespace run {

using engine::hint;

namespace {

// What a record holds: visit(name, member) for each.
template <class Settings, class Visit>
void each_field(Settings& s, Visit&& visit) {
  visit("rules", s.rules);
  visit("task", s.task);
  visit("data", s.data);
  visit("train", s.train);
  visit("dev", s.dev);
  visit("test", s.test);
  visit("text", s.text);
  visit("text_b", s.text_b);
  visit("label", s.label);
  visit("kind", s.kind);
  visit("regression", s.regression);
  visit("max_train_samples", s.max_train_samples);
  visit("max_eval_samples", s.max_eval_samples);
  visit("loss", s.loss);
  visit("chat_format", s.chat_format);
  visit("truncation_side", s.truncation_side);
  visit("linearization", s.linearization);
  visit("source", s.source);
  visit("target", s.target);
  visit("source_prefix", s.source_prefix);
  visit("max_target_length", s.max_target_length);
  visit("text_scores", s.text_scores);
  visit("generation", s.generation);
  visit("preset", s.preset);
  visit("model", s.model);
  visit("tokenizer", s.tokenizer);
  visit("strategy", s.strategy);
  visit("adapter", s.adapter);
  visit("epochs", s.epochs);
  visit("max_steps", s.max_steps);
  visit("batch_size", s.batch_size);
  visit("eval_batch_size", s.eval_batch_size);
  visit("grad_accumulation", s.grad_accumulation);
  visit("piece_tokens", s.piece_tokens);
  visit("lr", s.lr);
  visit("schedule", s.schedule);
  visit("warmup_ratio", s.warmup_ratio);
  visit("warmup_steps", s.warmup_steps);
  visit("weight_decay", s.weight_decay);
  visit("max_grad_norm", s.max_grad_norm);
  visit("label_smoothing", s.label_smoothing);
  visit("class_weights", s.class_weights);
  visit("target_scaling", s.target_scaling);
  visit("max_length", s.max_length);
  visit("dropout", s.dropout);
  visit("cache_features", s.cache_features);
  visit("seed", s.seed);
  visit("shuffle", s.shuffle);
  visit("eval_every", s.eval_every);
  visit("patience", s.patience);
  visit("metric", s.metric);
  visit("log_every", s.log_every);
  visit("save_every", s.save_every);
  visit("threads", s.threads);
  visit("deterministic", s.deterministic);
  visit("precision", s.precision);
  visit("weights", s.weights);
}

// Settings that came after the first release of run.json are left out of it at their defaults, so
// that a run begun before them has the same settings and can be resumed.
bool is_later(std::string_view name) {
  for (const char* later : {"max_train_samples", "max_eval_samples", "text_scores", "generation",
                            "preset", "warmup_steps", "precision", "weights", "source", "target",
                            "source_prefix", "max_target_length"})
    if (name == later) return true;
  return false;
}

}  // namespace

bool FinetuneSettings::tables() const { return data::is_table_task(task); }

void FinetuneSettings::check() const {
  const auto require = [](bool ok, const char* flag, const auto& found, const char* allowed) {
    engine::check(ok, "finetune", flag, " is ", found, "; it must be ", allowed);
  };
  const bool own = task.empty() || task == "lm" || task == "seq2seq" || (tables() && data.empty());
  engine::check(
      own != train.empty(), "finetune",
      own ? "there is nothing to train on" : "both --task and --train are given",
      hint("give --task sst2 for a GLUE task (--data FOLDER names your own copy of it), or --train "
           "FILE for your own data"));
  if (!own && data.empty()) data::glue_task(task);  // fetched by name; another lists the tasks
  engine::check(
      !model.empty(), "finetune", "--model is missing",
      hint("give a Hugging Face folder, or random:layers=2,hidden=128 for a fresh model"));
  require(max_train_samples >= 0, "--max-train-samples", max_train_samples, "0 (all) or more");
  require(max_eval_samples >= 0, "--max-eval-samples", max_eval_samples, "0 (all) or more");
  constexpr int kMany = 1'000'000;  // products of two of these stay whole
  require(epochs >= 1 && epochs <= kMany, "--epochs", epochs, "from 1 to 1000000");
  require(max_steps >= 0 && max_steps <= int64_t{kMany} * kMany, "--max-steps", max_steps,
          "from 0 (by epochs) to 10^12");
  require(batch_size >= 1 && batch_size <= kMany, "--batch-size", batch_size, "from 1 to 1000000");
  require(eval_batch_size >= 1 && eval_batch_size <= kMany, "--eval-batch-size", eval_batch_size,
          "from 1 to 1000000");
  require(grad_accumulation >= 1 && grad_accumulation <= kMany, "--grad-accumulation",
          grad_accumulation, "from 1 to 1000000");
  require(piece_tokens >= 0 || piece_tokens == engine::kPiecesByWidth, "--piece-tokens",
          piece_tokens, "0 (the whole batch) or more");
  require(lr >= 0 && lr <= 1e6, "--lr", lr, "positive (0: by strategy and model)");
  require(warmup_ratio >= 0 && warmup_ratio <= 1, "--warmup-ratio", warmup_ratio, "from 0 to 1");
  require(warmup_steps >= 0, "--warmup-steps", warmup_steps, "0 (by --warmup-ratio) or more");
  require(weight_decay >= 0 && weight_decay <= 1e6, "--weight-decay", weight_decay, "0 or more");
  require(max_grad_norm >= 0, "--max-grad-norm", max_grad_norm, "0 (no clipping) or more");
  require(label_smoothing >= 0 && label_smoothing < 1, "--label-smoothing", label_smoothing,
          "from 0 to below 1");
  require(class_weights == "none" || class_weights == "balanced", "--class-weights", class_weights,
          "none or balanced");
  require(target_scaling == "auto" || target_scaling == "none" || target_scaling == "standard",
          "--target-scaling", target_scaling, "auto, none or standard");
  require(kind.empty() || !regression || kind == "regress", "--kind", kind,
          "regress, if --regression is given");
  engine::check(task.empty() || (kind.empty() && !regression), "finetune", "--task ", task,
                " is a task of a known kind", hint("leave --kind and --regression out"));
  require(loss == "completion" || loss == "all", "--loss", loss, "completion or all");
  require(truncation_side == "right" || truncation_side == "left", "--truncation-side",
          truncation_side, "right or left");
  if (!chat_format.empty()) data::chat_format(chat_format);  // an unknown name lists the known ones
  engine::check(language() || (loss == "completion" && chat_format.empty()), "finetune",
                "--loss and --chat-format are about language models", hint("add --task lm"));
  engine::check(task == "seq2seq" || (source.empty() && target.empty()), "finetune",
                "--source and --target name the columns of sequences to sequences",
                hint("add --task seq2seq"));
  engine::check(language() || (source_prefix.empty() && max_target_length == 0), "finetune",
                "--source-prefix and --max-target-length are about sequences to sequences",
                hint("add --task seq2seq"));
  require(max_target_length == 0 || max_target_length >= 2, "--max-target-length",
          max_target_length, "at least 2: a token and the end");
  data::linearization(linearization);
  require(text_scores == "none" || text_scores == "all" ||
              engine::to_number<int64_t>(text_scores).value_or(-1) >= 0,
          "--text-scores", text_scores, "none, all, or how many tables of dev");
  require(max_length == 0 || max_length >= 3, "--max-length", max_length,
          "at least 3: two special tokens and one of text");
  require(dropout == -1 || (dropout >= 0 && dropout < 1), "--dropout", dropout,
          "from 0 to below 1");
  engine::check_precision(engine::parse_precision(precision, weights));
  require(eval_every >= 0, "--eval-every", eval_every, "0 (every epoch) or more");
  require(patience >= 0, "--patience", patience, "0 (never stop early) or more");
  require(log_every >= 1, "--log-every", log_every, "at least 1");
  require(save_every >= 1, "--save-every", save_every, "at least 1 second");
  require(threads >= 0 && threads <= engine::kMostThreads, "--threads", threads,
          "from 0 (all cores) to 1024");
  engine::Schedule(schedule.starts_with("hf_") ? schedule.substr(3) : schedule, 1,
                   0);  // an unknown name lists the known ones
  engine::check(schedule != "constant" || (warmup_ratio == 0 && warmup_steps == 0), "finetune",
                "--schedule constant has no warm-up",
                hint("add --warmup-ratio 0, or use constant_with_warmup"));
}

engine::Json FinetuneSettings::to_json() const {
  engine::Json json = engine::Json::object();
  each_field(*this, [&](const char* name, const auto& value) { json[name] = value; });
  const FinetuneSettings fresh;
  each_field(fresh, [&](const char* name, const auto& value) {
    if (is_later(name) && json[name] == value) json.erase(name);
  });
  return json;
}

FinetuneSettings FinetuneSettings::from_json(const engine::Json& json, const std::string& where) {
  FinetuneSettings s;
  s.rules = 1;  // older records do not say
  s.take(json, where);
  return s;
}

void FinetuneSettings::take(const engine::Json& json, const std::string& where) {
  each_field(*this, [&](const char* name, auto& value) {
    value = engine::get_or<std::remove_reference_t<decltype(value)>>(json, name, value, where);
  });
}

int64_t FinetuneSettings::text_tables() const {
  if (!(tables() || task == "seq2seq") || text_scores == "none") return 0;
  if (text_scores == "all") return std::numeric_limits<int64_t>::max();
  return engine::to_number<int64_t>(text_scores).value_or(0);
}

std::vector<std::string> FinetuneSettings::may_change() {
  return {"threads", "save_every", "log_every", "eval_batch_size", "text_scores", "generation"};
}

}  // namespace run
