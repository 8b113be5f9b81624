#include "apps/finetune/command.h"

#include <filesystem>
#include <iostream>

#include "apps/common/command_line.h"
#include "apps/common/format.h"
#include "apps/common/signals.h"
#include "apps/common/table.h"
#include "apps/finetune/dry_run.h"
#include "apps/finetune/terminal.h"
#include "data/glue.h"
#include "peft/strategy.h"
#include "run/finetune.h"
#include "run/presets.h"

namespace apps {

namespace {

// Flags of how texts are written at the end, by transformers' names.
void add_writing(cxxopts::Options& options) {
  options.add_options("Texts")("num-beams", "beam search with so many beams (1)",
                               number_flag<int64_t>(), "N")(
      "length-penalty", "beams are compared by log-probability / length^this (1)",
      number_flag<double>(),
      "X")("no-repeat-ngram-size", "no n-gram of this size twice (0: any)", number_flag<int64_t>(),
           "N")("max-new-tokens", "of a text (128)", number_flag<int64_t>(), "N");
}

void take_writing(const cxxopts::ParseResult& parsed, engine::Json& to) {
  if (parsed.count("num-beams")) to["num_beams"] = parsed["num-beams"].as<int64_t>();
  if (parsed.count("length-penalty")) to["length_penalty"] = parsed["length-penalty"].as<double>();
  if (parsed.count("no-repeat-ngram-size"))
    to["no_repeat_ngram_size"] = parsed["no-repeat-ngram-size"].as<int64_t>();
  if (parsed.count("max-new-tokens")) to["max_new_tokens"] = parsed["max-new-tokens"].as<int64_t>();
}

// Flags that are not given leave what `command` has, but switches are turned off.
void parse(FinetuneCommand& command, int argc, const char* const* argv) {
  run::FinetuneSettings& s = command.settings;
  CommandLine line("peft finetune",
                   "Fine-tunes a transformer on a GLUE task or on your own data, on the CPU.",
                   {"Data", "Model", "Training", "Texts", "Run"});
  cxxopts::Options& options = line.options;
  bool no_shuffle = false;
  const auto text = [](std::string& into) { return cxxopts::value<std::string>(into); };
  options.add_options("Data")(
      "task",
      "GLUE task: cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte, wnli; or lm: a language model on "
      "--train (see below); seq2seq: one that writes a target for each source of --train; e2e, "
      "webnlg, dart: one that writes texts for tables",
      text(s.task),
      "NAME")("data", "folder with the task's train.tsv and dev.tsv (GLUE's own, downloaded once)",
              text(s.data), "DIR")(
      "train", "own data instead: TSV, CSV or JSONL with named columns", text(s.train), "FILE")(
      "dev", "own development data (without it a tenth of --train is held out)", text(s.dev),
      "FILE")("test", "own data to predict, labels not needed", text(s.test), "FILE")(
      "text", "column of the text (guessed if absent)", text(s.text), "NAME")(
      "text-b", "column of the second text of a pair", text(s.text_b), "NAME")(
      "label", "column of the label", text(s.label), "NAME")(
      "regression", "the label is a number to approach", cxxopts::value<bool>(s.regression))(
      "kind", "of own data: classify, regress, multilabel, tag (classify)", text(s.kind), "NAME")(
      "max-train-samples", "use the first N examples of the training data (all)",
      number_flag(s.max_train_samples),
      "N")("max-eval-samples", "use the first N examples of each dev set (all)",
           number_flag(s.max_eval_samples), "N")(
      "target-scaling",
      "numbers are learned as they are (none) or standardised (standard); reported in their own "
      "unit (auto: standard for own data)",
      text(s.target_scaling), "NAME")(
      "max-length",
      "tokens a text is cut to, special ones included (128, for --task lm 1024, or what the model "
      "has)",
      number_flag(s.max_length),
      "N")("truncation-side", "where long texts of --task lm are cut: right, left (right)",
           text(s.truncation_side), "SIDE")(
      "loss",
      "of --task lm, on completions and the assistant's turns, or on all: completion, all "
      "(completion)",
      text(s.loss),
      "NAME")("chat-format", "how --task lm writes chats (the tokenizer's own chat_template)",
              text(s.chat_format), "NAME")(
      "linearization", "of the tables of e2e, webnlg, dart: lora, prefix-tuning (lora)",
      text(s.linearization), "NAME")("text-scores",
                                     "at the end of e2e, webnlg, dart, seq2seq: tables or "
                                     "sources of dev that get a text, which is scored: none, all, "
                                     "N (200)",
                                     text(s.text_scores), "N")(
      "no-shuffle", "keep the order of the training data", cxxopts::value<bool>(no_shuffle));
  options.add_options("Data")("source",
                              "of --task seq2seq: column that is read (guessed if absent)",
                              text(s.source), "NAME")(
      "target", "of --task seq2seq: column that is written (guessed if absent)", text(s.target),
      "NAME")("source-prefix", "text in front of every source, as \"summarize: \"",
              text(s.source_prefix), "TEXT")(
      "max-target-length",
      "tokens a target is cut to; --max-length is then of sources (128, or what the model has)",
      number_flag(s.max_target_length), "N");
  options.add_options("Model")("model",
                               "name on Hugging Face's hub, folder, or random:layers=4,hidden=256",
                               text(s.model), "MODEL")(
      "tokenizer", "folder of the tokenizer, if the model has none", text(s.tokenizer), "DIR")(
      "strategy", "what is trained, for instance bitfit or lora:r=8 (full); see below",
      text(s.strategy), "SPEC")("adapter", "start from a saved adapter", text(s.adapter), "DIR")(
      "dropout", "of all dropout layers (the model's own)", number_flag(s.dropout), "P");
  options.add_options("Training")("epochs", "passes over the training data (3)",
                                  number_flag(s.epochs), "N")(
      "max-steps", "updates, instead of epochs", number_flag(s.max_steps), "N")(
      "batch-size", "sequences a batch (32)", number_flag(s.batch_size), "N")(
      "eval-batch-size", "sequences a batch of an evaluation (64)", number_flag(s.eval_batch_size),
      "N")("grad-accumulation", "batches an update (1)", number_flag(s.grad_accumulation), "N")(
      "micro-batch-tokens",
      "of a batch computed at a time, 0: all; less takes less memory (1024, fewer if "
      "layers are wider than 1536)",
      number_flag(s.piece_tokens),
      "N")("lr", "learning rate (by strategy and size of the model)", number_flag(s.lr), "RATE")(
      "schedule",
      "linear, cosine, constant_with_warmup, constant; hf_linear and so on: first update at rate "
      "0, "
      "as transformers (linear)",
      text(s.schedule), "NAME")("warmup-ratio", "share of the updates that warm up (0.06)",
                                number_flag(s.warmup_ratio),
                                "R")("weight-decay", "of AdamW, not on biases and LayerNorm (0.01)",
                                     number_flag(s.weight_decay), "W")(
      "max-grad-norm", "clipping of the global norm, 0: none (1)", number_flag(s.max_grad_norm),
      "NORM")("label-smoothing", "of the cross entropy (0)", number_flag(s.label_smoothing), "E")(
      "seed", "of fresh weights, order and dropout (42)", number_flag(s.seed), "N")(
      "eval-every", "updates between evaluations (one an epoch)", number_flag(s.eval_every), "N")(
      "patience", "stop after N evaluations without a better score, and keep the best",
      number_flag(s.patience),
      "N")("metric", "what better means: score, accuracy, macro_f1, matthews, loss, ... (score)",
           text(s.metric),
           "NAME")("class-weights", "none, or balanced: rare classes count more in the loss (none)",
                   text(s.class_weights), "NAME");
  options.add_options("Training")(
      "cache-features",
      "frozen: run the encoder once, without dropout, and keep what the head reads",
      cxxopts::value<bool>(s.cache_features));
  options.add_options("Training")("warmup-steps", "updates that warm up, instead of a share",
                                  number_flag(s.warmup_steps), "N")(
      "preset",
      "a paper's settings, for instance lora-e2e; flags stand above it (an unknown name lists all)",
      cxxopts::value<std::string>(), "NAME");
  add_writing(options);
  options.add_options("Run")("out", "run folder (runs/TASK-STRATEGY-SEED)", text(s.out), "DIR")(
      "resume", "go on with the run in --out, bit for bit", cxxopts::value<bool>(s.resume))(
      "save-every", "seconds between states to resume from (300)", number_flag(s.save_every), "N")(
      "log-every", "updates between lines of metrics.jsonl (10)", number_flag(s.log_every), "N")(
      "threads", "threads, 0: all (0)", number_flag(s.threads), "N")(
      "deterministic",
      "the same bits with any number of threads: products are cut by their shape alone, which "
      "costs "
      "some speed",
      cxxopts::value<bool>(s.deterministic))(
      "precision", "fp32, or bf16: products with weights multiply BF16 values (fp32)",
      text(s.precision),
      "NAME")("weights", "fp32, or bf16: frozen weights are held in half the memory (fp32)",
              text(s.weights), "NAME")("profile", "print time and bytes by op, write trace.json",
                                       cxxopts::value<bool>(s.profile))(
      "dry-run", "print parameters, memory and cost, for --strategy or for all; train nothing",
      cxxopts::value<bool>(command.dry_run))(
      "explain", "print what --strategy adds to the model and what learns; train nothing",
      cxxopts::value<bool>(command.explain))("json", "with --dry-run: JSON",
                                             cxxopts::value<bool>(command.json));
  const auto parsed = line.parse(argc, argv);
  take_writing(parsed, s.generation);
  if (parsed.count("preset")) command.preset = parsed["preset"].as<std::string>();
  s.shuffle = s.shuffle && !no_shuffle;
  if (line.version) command.help = version_text();
  if (line.help)
    command.help =
        line.help_text() + "\nStrategies, joined by '+':\n" +
        wrap(peft::strategy_help(), help_width(), 34) +
        "\nExample:\n  peft finetune --task sst2 --data data/demo/reviews \\\n"
        "    --model random:layers=2,hidden=128 --strategy full\n"
        "\nA language model (--task lm) learns from rows of --train:\n"
        "  {\"text\": ...}     all of it, and the end token\n"
        "  {\"prompt\": ..., \"completion\": ...}\n"
        "                    the completion, and the end token; the two are encoded\n"
        "                    apart, as they are in use\n"
        "  {\"messages\": [{\"role\": ..., \"content\": ...}, ...]}\n"
        "                    the assistant's turns\n"
        "or from plain text (.txt): an empty line ends a document, documents share rows\n"
        "and do not see one another. Without --dev nothing is held out.\n"
        "\nSequences to sequences (--task seq2seq, with bart, mbart or t5; or a causal\n"
        "model, to which a source is a prompt) learn from rows of two columns:\n"
        "  {\"source\": ..., \"target\": ...}, {\"document\": ..., \"summary\": ...} (XSUM),\n"
        "  {\"article\": ..., \"highlights\": ...} (CNN/DailyMail), or --source and --target\n";
}

// The command again, with a preset's settings below the flags; `note` says what it sets.
FinetuneCommand with_preset(const std::string& name, int argc, const char* const* argv) {
  const run::Preset& preset = run::preset(name);
  FinetuneCommand command;
  run::use_preset(command.settings, preset);
  parse(command, argc, argv);
  engine::Json sets = preset.finetune, now = command.settings.to_json();
  sets.update(preset.generate);
  now.update(command.settings.generation);
  command.note = run::preset_text(preset, sets, now);
  return command;
}

}  // namespace

FinetuneCommand parse_finetune(int argc, const char* const* argv) {
  FinetuneCommand command;
  parse(command, argc, argv);
  if (command.help.empty() && !command.preset.empty())
    command = with_preset(command.preset, argc, argv);
  if (!command.help.empty() || !command.settings.resume || command.settings.out.empty())
    return command;
  const auto record = std::filesystem::path(command.settings.out) / "run.json";
  if (!std::filesystem::exists(record)) return command;
  // --resume takes the run's own settings; a flag that is given has to agree or may be changed.
  const engine::Json json = engine::json_file(record);
  if (!engine::has(json, "settings")) return command;
  const auto recorded = run::FinetuneSettings::from_json(json["settings"], record.string());
  FinetuneCommand again;
  again.settings = recorded;
  parse(again, argc, argv);
  if (!again.preset.empty()) again.settings.preset = run::preset(again.preset).name;
  again.settings.regression |= recorded.regression;
  again.settings.cache_features |= recorded.cache_features;
  again.settings.deterministic |= recorded.deterministic;
  return again;
}

int finetune_command(int argc, const char* const* argv) {
  if (argc == 1) {
    std::cout << "usage: peft finetune --task NAME [--data DIR] --model MODEL --strategy SPEC\n"
                 "       peft finetune --train FILE --model MODEL --strategy SPEC\n"
                 "       peft finetune --resume --out RUN\n"
                 "peft finetune --help explains all flags.\n";
    return 2;
  }
  const FinetuneCommand command = parse_finetune(argc, argv);
  if (!command.help.empty()) {
    std::cout << command.help;
    return 0;
  }
  if (command.dry_run || command.explain) {
    if (!command.json) std::cout << command.note;
    std::cout << dry_run(command);
    return 0;
  }
  std::cout << command.note;
  watch_stop_signals();
  TerminalWatcher watcher(std::cout, stop_signal);
  return run::finetune(command.settings, watcher).finished ? 0 : stop_exit_code();
}

}  // namespace apps
