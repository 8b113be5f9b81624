#include "apps/tokenizer/command.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include "apps/common/command_line.h"
#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/progress.h"
#include "data/bpe_trainer.h"
#include "data/text_source.h"
#include "data/wordpiece_trainer.h"

namespace apps {
namespace {

// Counts the words of the files, of the first `most` bytes of text if that is not 0.
data::WordCounts count_words(data::WordCounter counter, const std::vector<std::string>& files,
                             int64_t most) {
  int64_t bytes = 0;
  Progress progress(most, {.label = "counting words"});
  for (const std::string& file : files) {
    data::TextSource source(file);
    for (std::string line; (most == 0 || bytes < most) && source.line(line);) {
      counter.add(line);
      bytes += static_cast<int64_t>(line.size()) + 1;
      if (progress.due(bytes))
        progress.update(bytes,
                        {{"", format_bytes(static_cast<double>(bytes))},
                         {"different", format_count(static_cast<int64_t>(counter.different()))}});
    }
  }
  progress.finish();
  std::cerr << format_bytes(static_cast<double>(bytes)) << " of text, "
            << format_count(counter.words()) << " words, "
            << format_count(static_cast<int64_t>(counter.different())) << " different\n";
  if (counter.dropped() > 0)
    std::cerr << "note: " << format_count(counter.dropped())
              << " occurrences of rare words were left out to bound memory; counts of rare words "
                 "are too low\n";
  return counter.counts();
}

}  // namespace

int tokenizer_command(int argc, const char* const* argv) {
  CommandLine line(
      "peft tokenizer",
      "Learns a WordPiece (BERT) or byte-level BPE (GPT-2, RoBERTa) tokenizer from text.");
  cxxopts::Options& options = line.options;
  options.add_options()("type",
                        "wordpiece, bpe (as GPT-2) or roberta (bpe with RoBERTa's special tokens)",
                        cxxopts::value<std::string>()->default_value("wordpiece"))(
      "vocab-size", "tokens in the vocabulary", number_flag<int>()->default_value("8192"))(
      "lowercase", "wordpiece: lower-case and strip accents",
      cxxopts::value<bool>()->default_value("false"))("min-frequency",
                                                      "do not join a pair that is rarer",
                                                      number_flag<int64_t>()->default_value("2"))(
      "limit-alphabet", "wordpiece: keep this many characters",
      number_flag<int>()->default_value("1000"))("max-bytes",
                                                 "stop after this much text; 0 reads all",
                                                 number_flag<int64_t>()->default_value("0"))(
      "out", "folder to write", cxxopts::value<std::string>())(
      "files", "text files, plain or .xz; - is standard input",
      cxxopts::value<std::vector<std::string>>());
  options.parse_positional({"files"});
  options.positional_help("FILE...");
  if (argc == 1) {
    std::cout << "usage: peft tokenizer --type wordpiece --vocab-size 8192 --out DIR FILE...\n"
                 "peft tokenizer --help explains all flags.\n";
    return 2;
  }
  const auto flags = line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  const auto type = flags["type"].as<std::string>();
  if (!flags.count("out"))
    throw UsageError("tokenizer: --out DIR is missing\nhint: it is the folder to write");
  if (!flags.count("files"))
    throw UsageError("tokenizer: which text?\nhint: give files, or - for standard input");
  if (type != "wordpiece" && type != "bpe" && type != "roberta")
    throw UsageError("tokenizer: --type " + type +
                     " is not known\nhint: the types are wordpiece, bpe, roberta");
  const auto files = flags["files"].as<std::vector<std::string>>();
  const std::filesystem::path out = flags["out"].as<std::string>();
  const std::string held = data::TokenizerFiles::held_by(out);
  engine::check(held.empty(), "tokenizer", out.string(), " has a ", held,
                engine::hint("a model's vocabulary is never overwritten; give another --out"));
  const auto most = flags["max-bytes"].as<int64_t>();
  const auto size = flags["vocab-size"].as<int>();

  std::unique_ptr<data::Tokenizer> tokenizer;
  Progress progress(size, {.label = "joining pairs"});
  const auto show = [&](int32_t tokens) {
    if (progress.due(tokens)) progress.update(tokens, {});
  };
  if (type == "wordpiece") {
    data::BertNormalizerOptions normalizer;
    normalizer.lowercase = normalizer.strip_accents = flags["lowercase"].as<bool>();
    data::WordPieceTraining training;
    training.vocab_size = size;
    training.min_frequency = flags["min-frequency"].as<int64_t>();
    training.limit_alphabet = flags["limit-alphabet"].as<int>();
    training.progress = show;
    const auto counts = count_words(data::bert_word_counter(normalizer), files, most);
    tokenizer = data::trained_wordpiece(data::train_wordpiece(counts, training), normalizer);
  } else {
    data::BpeTraining training;
    training.vocab_size = size;
    training.min_frequency = flags["min-frequency"].as<int64_t>();
    training.roberta = type == "roberta";
    training.progress = show;
    tokenizer = data::train_bpe(
        count_words(data::gpt2_word_counter(training.add_prefix_space), files, most), training);
  }
  progress.finish();
  tokenizer->save(out);
  std::cerr << "wrote " << out.string() << ": " << format_count(tokenizer->vocab_size())
            << " tokens";
  if (tokenizer->vocab_size() < size)
    std::cerr << " (fewer than asked for: no pair is frequent enough)";
  std::cerr << "\n";
  return 0;
}

}  // namespace apps
