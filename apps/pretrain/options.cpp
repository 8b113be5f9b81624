#include "apps/pretrain/options.h"

#include "apps/common/main_guard.h"
#include "models/pretrained.h"

namespace apps {

using engine::Json;

Json PretrainOptions::to_json() const {
  return {{"objective", objective},
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
}

const std::vector<std::string>& PretrainOptions::may_change() {
  static const std::vector<std::string> keys{
      "steps",   "tokens",  "minutes",    "lr",         "schedule",         "warmup_ratio",
      "threads", "workers", "save_every", "eval_every", "tokenizer_folder", "short_part"};
  return keys;
}

void PretrainOptions::check() const {
  const auto need = [](bool ok, const auto&... parts) {
    if (!ok) throw UsageError(engine::concat(parts...));
  };
  need(!out.empty(), "--out is missing",
       engine::hint("the folder of this run, for instance runs/mini"));
  need(!tokenizer.empty(), "--tokenizer is missing",
       engine::hint("a folder with vocab.txt; peft tokenizer makes one"));
  need(!corpus.empty() || !cache.empty() || resume, "--corpus is missing",
       engine::hint("text with a paragraph a line and an empty line between documents; - reads "
                    "standard input"));
  need(steps > 0 || tokens > 0 || minutes > 0, "a budget is missing",
       engine::hint("give --steps, --tokens or --minutes"));
  need(objective == "mlm" || objective == "rtd", "unknown objective '", objective, "'",
       engine::hint("known are mlm and rtd"));
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

PretrainOptions parse_pretrain_options(int argc, const char* const* argv, std::string* help) {
  PretrainOptions o;
  cxxopts::Options options(
      "peft pretrain",
      "Pretrains a BERT (mlm) or an ELECTRA (rtd) on plain text, new or from a model.");
  auto add = options.add_options();
  const auto value = [](auto& into) {
    return cxxopts::value(into)->default_value(engine::concat(into));
  };
  add("corpus",
      "text files (plain or .xz), '-' for standard input: a paragraph a line, an empty line "
      "between documents",
      cxxopts::value(o.corpus));
  add("cache",
      "where the tokenised corpus is kept, and read from when it exists (default: "
      "OUT/corpus.cache)",
      cxxopts::value<std::string>());
  add("tokenizer", "Hugging Face folder with vocab.txt", cxxopts::value<std::string>());
  add("model",
      "random:layers=..,hidden=..,heads=..,ffn=..[,type=electra] or a folder to go on from",
      value(o.model));
  add("objective", "mlm (BERT) or rtd (ELECTRA)", value(o.objective));
  add("out", "folder of the run", cxxopts::value<std::string>());
  add("resume", "go on with the run in --out", cxxopts::value(o.resume));
  add("steps", "stop after so many updates", value(o.steps));
  add("tokens", "stop after so many tokens", value(o.tokens));
  add("minutes", "stop after so many minutes of work, all starts together", value(o.minutes));
  add("max-length", "tokens of a sequence", value(o.max_length));
  add("short-length", "sequences of this length first ...", value(o.short_length));
  add("short-part", "... for this part of the budget", value(o.short_part));
  add("batch-tokens", "tokens of an update", value(o.batch_tokens));
  add("grad-accumulation", "parts in which an update is computed", value(o.grad_accumulation));
  add("pairs", "part of the sequences with two segments", value(o.pairs));
  add("halves", "part of the sequences that are cut in two", value(o.halves));
  add("held-out", "every so many documents, one is held out for evaluation", value(o.held_out));
  add("mask-rate", "part of the tokens to guess", value(o.mask_rate));
  add("whole-word", "mask all pieces of a word together", cxxopts::value(o.whole_word));
  add("positions", "how the position table of a new model starts: random or sinusoids",
      value(o.positions));
  add("lr", "peak learning rate", value(o.lr));
  add("schedule", "linear, cosine, constant_with_warmup", value(o.schedule));
  add("warmup-ratio", "part of the budget", value(o.warmup_ratio));
  add("weight-decay", "AdamW's", value(o.weight_decay));
  add("beta2", "AdamW's", value(o.beta2));
  add("max-grad-norm", "clip the gradient's norm; 0: do not", value(o.max_grad_norm));
  add("dropout", "while pretraining", value(o.dropout));
  add("generator", "rtd: the generator's width as a part of the model's", value(o.generator));
  add("rtd-weight", "rtd: weight of the discriminator's loss", value(o.rtd_weight));
  add("seed", "of initial values, order and masks", value(o.seed));
  add("threads", "0: all", value(o.threads));
  add("workers",
      "processes that share an update's parts, instead of threads; 0: as many as threads if they "
      "divide --grad-accumulation",
      value(o.workers));
  add("save-every", "seconds between checkpoints", value(o.save_every));
  add("eval-every", "updates between evaluations; 0: only at the end", value(o.eval_every));
  add("eval-tokens", "held-out tokens of an evaluation", value(o.eval_tokens));
  add("log-every", "updates between lines of metrics.jsonl", value(o.log_every));
  add("peak-gflops", "the machine's, to compare with; 0: measure", value(o.peak_gflops));
  add("quiet", "no progress line", cxxopts::value(o.quiet));
  add("h,help", "this text");
  options.parse_positional({});
  const auto flags = parse_flags(options, argc, argv);
  if (flags.count("help")) {
    if (help) *help = options.help();
    return o;
  }
  if (flags.count("cache")) o.cache = flags["cache"].as<std::string>();
  if (flags.count("tokenizer")) o.tokenizer = flags["tokenizer"].as<std::string>();
  if (flags.count("out")) o.out = flags["out"].as<std::string>();
  o.check();
  return o;
}

}  // namespace apps
