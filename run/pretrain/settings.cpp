#include "run/pretrain/settings.h"

namespace run {

using engine::Json;

Json PretrainSettings::to_json() const {
  Json json = {{"objective", objective},
               {"model", model},
               {"max_length", max_length},
               {"short_length", short_length},
               {"short_part", short_part},
               {"batch_tokens", batch_tokens},
               {"grad_accumulation", grad_accumulation},
               {"pairs", pairs},
               {"halves", halves},
               {"held_out", held_out},
               {"mask_rate", mask_rate},
               {"whole_word", whole_word},
               {"positions", positions},
               {"steps", steps},
               {"tokens", tokens},
               {"minutes", minutes},
               {"lr", lr},
               {"schedule", schedule},
               {"warmup_ratio", warmup_ratio},
               {"weight_decay", weight_decay},
               {"beta2", beta2},
               {"max_grad_norm", max_grad_norm},
               {"dropout", dropout},
               {"generator", generator},
               {"rtd_weight", rtd_weight},
               {"seed", seed},
               {"threads", threads},
               {"workers", workers},
               {"save_every", save_every},
               {"eval_every", eval_every},
               {"eval_tokens", eval_tokens},
               {"log_every", log_every},
               {"tokenizer_folder", tokenizer.string()}};
  if (objective ==
      "denoise")  // runs that were begun without these have the same settings as before
    json.update(
        {{"noise", noise}, {"span_length", span_length}, {"permute_sentences", permute_sentences}});
  return json;
}

const std::vector<std::string>& PretrainSettings::may_change() {
  static const std::vector<std::string> keys{
      "steps",   "tokens",  "minutes",    "lr",         "schedule",         "warmup_ratio",
      "threads", "workers", "save_every", "eval_every", "tokenizer_folder", "short_part"};
  return keys;
}

void PretrainSettings::check() const {
  const auto need = [](bool ok, const auto&... parts) { engine::check(ok, "pretrain", parts...); };
  need(!out.empty(), "--out is missing",
       engine::hint("the folder of this run, for instance runs/mini"));
  need(!tokenizer.empty(), "--tokenizer is missing",
       engine::hint("a folder with vocab.txt; peft tokenizer makes one"));
  need(!corpus.empty() || !cache.empty() || resume, "--corpus is missing",
       engine::hint("text with a paragraph a line and an empty line between documents; - reads "
                    "standard input"));
  need(steps > 0 || tokens > 0 || minutes > 0, "a budget is missing",
       engine::hint("give --steps, --tokens or --minutes"));
  need(objective == "mlm" || objective == "rtd" || objective == "causal" || objective == "denoise",
       "unknown objective '", objective, "'",
       engine::hint("known are mlm, rtd, causal and denoise"));
  need(noise >= 0 && noise < 1, "--noise ", noise, " must be in [0, 1)");
  need(span_length >= 0.1 && span_length <= 100, "--span-length ", span_length,
       " must be from 0.1 to 100");
  need(positions == "random" || positions == "sinusoids", "unknown --positions '", positions, "'",
       engine::hint("known are random and sinusoids"));
  need(batch_tokens > 0 && grad_accumulation > 0 && batch_tokens / grad_accumulation >= max_length,
       "--batch-tokens ", batch_tokens, " in ", grad_accumulation,
       " parts does not hold one sequence of ", max_length, " tokens");
  need(grad_accumulation <= 64, "--grad-accumulation ", grad_accumulation, " is more than 64");
  need(workers >= 0 && workers <= grad_accumulation, "--workers ", workers, " is more than the ",
       grad_accumulation, " parts of an update", engine::hint("raise --grad-accumulation"));
  need(short_length == 0 || (short_length >= 8 && short_length <= max_length), "--short-length ",
       short_length, " must be between 8 and --max-length");
  need(short_part >= 0 && short_part <= 1, "--short-part ", short_part, " must be in [0, 1]");
  need(dropout >= 0 && dropout < 1, "--dropout ", dropout, " must be in [0, 1)");
  need(save_every > 0 && eval_every >= 0 && log_every > 0 && eval_tokens > 0,
       "--save-every, --log-every and --eval-tokens must be positive");
}

}  // namespace run
