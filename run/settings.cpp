#include "run/settings.h"

#include "engine/optim/schedule.h"

namespace run {

using engine::hint;

void FinetuneSettings::check() const {
  const auto require = [](bool ok, const char* flag, const auto& found, const char* allowed) {
    engine::check(ok, "finetune", flag, " is ", found, "; it must be ", allowed);
  };
  engine::check(
      task.empty() != train.empty(), "finetune",
      task.empty() ? "there is nothing to train on" : "both --task and --train are given",
      hint("give --task sst2 --data FOLDER for a GLUE task, or --train FILE for your own data"));
  engine::check(task.empty() || !data.empty(), "finetune", "--task ", task,
                " needs --data, the folder with its train.tsv and dev.tsv");
  engine::check(
      !model.empty(), "finetune", "--model is missing",
      hint("give a Hugging Face folder, or random:layers=2,hidden=128 for a fresh model"));
  require(epochs >= 1, "--epochs", epochs, "at least 1");
  require(max_steps >= 0, "--max-steps", max_steps, "0 (by epochs) or more");
  require(batch_size >= 1, "--batch-size", batch_size, "at least 1");
  require(eval_batch_size >= 1, "--eval-batch-size", eval_batch_size, "at least 1");
  require(grad_accumulation >= 1, "--grad-accumulation", grad_accumulation, "at least 1");
  require(piece_tokens >= 0 || piece_tokens == engine::kPiecesByWidth, "--piece-tokens",
          piece_tokens, "0 (the whole batch) or more");
  require(lr >= 0, "--lr", lr, "positive (0: the strategy's default)");
  require(warmup_ratio >= 0 && warmup_ratio <= 1, "--warmup-ratio", warmup_ratio, "from 0 to 1");
  require(weight_decay >= 0, "--weight-decay", weight_decay, "0 or more");
  require(max_grad_norm >= 0, "--max-grad-norm", max_grad_norm, "0 (no clipping) or more");
  require(label_smoothing >= 0 && label_smoothing < 1, "--label-smoothing", label_smoothing,
          "from 0 to below 1");
  require(max_length == 0 || max_length >= 3, "--max-length", max_length,
          "at least 3: two special tokens and one of text");
  require(dropout == -1 || (dropout >= 0 && dropout < 1), "--dropout", dropout,
          "from 0 to below 1");
  require(eval_every >= 0, "--eval-every", eval_every, "0 (every epoch) or more");
  require(patience >= 0, "--patience", patience, "0 (never stop early) or more");
  require(log_every >= 1, "--log-every", log_every, "at least 1");
  require(save_every >= 1, "--save-every", save_every, "at least 1 second");
  require(threads >= 0, "--threads", threads, "0 (all) or more");
  engine::Schedule(schedule, 1, 0);  // an unknown name lists the known ones
  engine::check(schedule != "constant" || warmup_ratio == 0, "finetune",
                "--schedule constant has no warm-up",
                hint("add --warmup-ratio 0, or use constant_with_warmup"));
}

engine::Json FinetuneSettings::to_json() const {
  return {{"task", task},
          {"data", data},
          {"train", train},
          {"dev", dev},
          {"test", test},
          {"text", text},
          {"text_b", text_b},
          {"label", label},
          {"regression", regression},
          {"model", model},
          {"tokenizer", tokenizer},
          {"strategy", strategy},
          {"adapter", adapter},
          {"epochs", epochs},
          {"max_steps", max_steps},
          {"batch_size", batch_size},
          {"eval_batch_size", eval_batch_size},
          {"grad_accumulation", grad_accumulation},
          {"piece_tokens", piece_tokens},
          {"lr", lr},
          {"schedule", schedule},
          {"warmup_ratio", warmup_ratio},
          {"weight_decay", weight_decay},
          {"max_grad_norm", max_grad_norm},
          {"label_smoothing", label_smoothing},
          {"max_length", max_length},
          {"dropout", dropout},
          {"cache_features", cache_features},
          {"seed", seed},
          {"eval_every", eval_every},
          {"patience", patience},
          {"log_every", log_every},
          {"save_every", save_every},
          {"threads", threads}};
}

std::vector<std::string> FinetuneSettings::may_change() {
  return {"threads", "save_every", "log_every", "eval_batch_size"};
}

}  // namespace run
