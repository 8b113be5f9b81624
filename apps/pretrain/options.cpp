#include "apps/pretrain/options.h"

#include "apps/common/main_guard.h"

namespace apps {

run::PretrainSettings parse_pretrain_options(int argc, const char* const* argv, std::string* help) {
  run::PretrainSettings o;
  cxxopts::Options options("peft pretrain",
                           "Pretrains a BERT (mlm), an ELECTRA (rtd), a GPT-2 or a LLaMA (causal)\n"
                           "or a BART (denoise) on plain text, new or from a model.");
  auto add = options.add_options();
  const auto value = [](auto& into) {
    using T = std::remove_reference_t<decltype(into)>;
    if constexpr (std::is_arithmetic_v<T>)
      return number_flag(into)->default_value(engine::concat(into));
    else
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
  add("tokenizer", "Hugging Face folder with a vocabulary", cxxopts::value<std::string>());
  add("model",
      "random:layers=..,hidden=..,heads=..,ffn=..[,type=..] or a folder to go on from; without a "
      "type: bert, of rtd electra, of causal gpt2, of denoise bart",
      value(o.model));
  add("objective", "mlm (BERT), rtd (ELECTRA), causal (GPT-2, LLaMA) or denoise (BART)",
      value(o.objective));
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
  add("noise", "denoise: part of the tokens that is hidden, a span by one mask", value(o.noise));
  add("span-length", "denoise: mean length of a span", value(o.span_length));
  add("permute-sentences", "denoise: sentences change places",
      cxxopts::value(o.permute_sentences)->default_value("true"));
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
  try {
    o.check();
  } catch (const engine::Error& e) {
    throw UsageError(e.what());
  }
  return o;
}

}  // namespace apps
