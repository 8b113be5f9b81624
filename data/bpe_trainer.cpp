#include "data/bpe_trainer.h"

#include <algorithm>
#include <array>

#include "data/gpt2_split.h"
#include "data/merge_trainer.h"
#include "data/tokenizers/byte_level.h"
#include "data/tokenizers/trained.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {

WordCounter gpt2_word_counter(bool add_prefix_space) {
  return WordCounter(
      [add_prefix_space](std::string_view line, const std::function<void(std::string_view)>& word) {
        std::string changed;
        if (!is_utf8(line)) line = changed = to_utf8(line);
        if (add_prefix_space && !line.starts_with(' ')) {
          std::string spaced(1, ' ');
          spaced.append(line);
          line = changed = std::move(spaced);
        }
        for (size_t begin = 0; begin < line.size();) {
          const size_t end = gpt2_word_end(line, begin);
          word(line.substr(begin, end - begin));
          begin = end;
        }
      });
}

std::unique_ptr<Tokenizer> train_bpe(const WordCounts& counts, const BpeTraining& training) {
  engine::check(!counts.empty(), "bpe trainer", "there are no words");
  MergeProblem problem;
  problem.symbols = training.roberta
                        ? std::vector<std::string>{"<s>", "<pad>", "</s>", "<unk>", "<mask>"}
                        : std::vector<std::string>{"<|endoftext|>"};
  const auto specials = static_cast<int32_t>(problem.symbols.size());
  const auto& characters = byte_characters();
  problem.symbols.insert(problem.symbols.end(), characters.begin(), characters.end());
  std::sort(problem.symbols.begin() + specials,
            problem.symbols.end());  // UTF-8 sorts as its code points do
  const auto needed = static_cast<int32_t>(problem.symbols.size());
  engine::check(needed <= training.vocab_size, "bpe trainer", "a vocabulary of ",
                training.vocab_size, " has no room for ", needed, " special tokens and bytes",
                engine::hint("ask for a larger vocabulary"));
  std::array<int32_t, 256> ids{};
  for (size_t byte = 0; byte < 256; ++byte)
    ids[byte] = static_cast<int32_t>(
        std::find(problem.symbols.begin() + specials, problem.symbols.end(), characters[byte]) -
        problem.symbols.begin());
  for (const auto& [word, count] : counts) {
    if (word.size() < 2) continue;
    std::vector<int32_t> symbols;
    for (const char c : word) symbols.push_back(ids[static_cast<unsigned char>(c)]);
    problem.words.push_back(std::move(symbols));
    problem.counts.push_back(count);
  }
  problem.most_symbols = training.vocab_size;
  problem.min_frequency = training.min_frequency;
  problem.progress = training.progress;
  problem.join = [](const std::string& a, const std::string& b) { return a + b; };
  const MergeResult result = learn_merges(std::move(problem));

  std::vector<Merge> merges;
  for (const auto& [a, b] : result.merges)
    merges.emplace_back(result.symbols[static_cast<size_t>(a)],
                        result.symbols[static_cast<size_t>(b)]);
  return std::make_unique<Tokenizer>(
      bpe_files(result.symbols, merges, training.roberta, training.add_prefix_space));
}

}  // namespace data
