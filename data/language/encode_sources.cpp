#include <algorithm>

#include "data/in_order.h"
#include "data/language/encode_language.h"
#include "engine/base/error.h"

namespace data {
namespace {

using engine::check;

struct Pair {
  Encoding source;
  std::vector<int32_t> output, targets;
  int64_t bytes = 0;
  bool cut = false;
};

// Tables' texts begin with a blank, which is for models that write on behind a prompt.
std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Pair encode_pair(const Tokenizer& tokenizer, const Example& example, int max_length,
                 const TextRules& rules) {
  const auto where = [&] { return engine::concat("line ", example.line); };
  check(example.turns.empty(), where(), "is a chat, which an encoder-decoder does not read",
        engine::hint("a row has a source and a target"));
  check(!example.b.empty(), where(), "has no target",
        engine::hint("a row has a source and a target; see --source and --target"));
  Pair pair;
  pair.source = tokenizer.encode(rules.source_prefix + example.a, max_length);
  check(!pair.source.ids.empty(), where(), "the source has no token");
  std::vector<int32_t>& target = pair.targets;
  const std::string_view text = without_blanks(example.b);
  check(!text.empty(), where(), "the target is blank");
  target = tokenizer.encode(text).ids;
  // mBART's targets end with </s> and a language.
  if (rules.end >= 0 && rules.start >= 0 &&
      std::find(target.begin(), target.end(), rules.end) == target.end())
    target.push_back(rules.end);
  check(!target.empty(), where(), "the target has no token");
  const auto most = static_cast<size_t>(rules.max_target_length);
  pair.bytes = static_cast<int64_t>(text.size());
  if (most > 0 && target.size() > most) {
    // The special tokens that close a target stay at its end, as Hugging Face's tokenizers cut.
    size_t closing = 0;
    while (closing < most && tokenizer.is_special(target[target.size() - 1 - closing])) ++closing;
    const auto cut = static_cast<std::ptrdiff_t>(most - closing);
    target.erase(target.begin() + cut, target.end() - static_cast<std::ptrdiff_t>(closing));
    pair.cut = true;
    pair.bytes = static_cast<int64_t>(tokenizer.decode(target).size());
  }
  pair.output.assign(1, rules.start >= 0 ? rules.start : target.back());
  pair.output.insert(pair.output.end(), target.begin(), target.end() - 1);
  return pair;
}

}  // namespace

std::vector<int32_t> encode_source(const Tokenizer& tokenizer, std::string_view text,
                                   int max_length, const TextRules& rules) {
  return tokenizer.encode(rules.source_prefix + std::string(text), max_length).ids;
}

EncodedSplit encode_sources(const Tokenizer& tokenizer, std::span<const Example> examples,
                            int max_length, const TextRules& rules) {
  EncodedSplit split;
  in_order(
      examples,
      [&](const Example& example) { return encode_pair(tokenizer, example, max_length, rules); },
      [&](const Example& example, const Pair& p) {
        split.add_output(p.source, p.output, p.targets, p.bytes, p.cut, example.id);
      });
  return split;
}

}  // namespace data
