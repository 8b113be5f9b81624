#include "data/bpe.h"

#include <queue>
#include <tuple>

#include "data/bpe_files.h"
#include "data/gpt2_split.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {

const std::array<std::string, 256>& byte_characters() {
  static const auto table = [] {
    std::array<std::string, 256> characters;
    char32_t next = 256;
    for (char32_t byte = 0; byte < 256; ++byte) {
      const bool printable =
          (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
      append_utf8(printable ? byte : next++, characters[byte]);
    }
    return characters;
  }();
  return table;
}

BpeTokenizer::BpeTokenizer(Vocabulary vocabulary, const std::vector<Merge>& merges,
                           const std::vector<AddedToken>& added, SpecialIds special,
                           SpecialTemplate special_template, BpeOptions options,
                           int model_max_length)
    : merges_(merges), options_(options) {
  vocabulary_ = std::move(vocabulary);
  special_ = special;
  template_ = std::move(special_template);
  model_max_length_ = model_max_length;
  for (const AddedToken& token : added) {
    added_.add(token);  // there is no normaliser, so that `normalized` changes nothing
    if (token.special) special_list_.push_back(token.id);
  }
  const auto& characters = byte_characters();
  for (size_t byte = 0; byte < 256; ++byte) {
    byte_ids_[byte] = vocabulary_.id(characters[byte]).value_or(-1);
    size_t at = 0;
    bytes_[next_code_point(characters[byte], at)] = static_cast<unsigned char>(byte);
  }
  joined_.reserve(merges.size());
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [a, b] = merges[rank];
    const auto ia = vocabulary_.id(a), ib = vocabulary_.id(b), both = vocabulary_.id(a + b);
    engine::check(ia && ib && both, "bpe", "merge ", rank + 1, " ('", a, "' with '", b,
                  "') or its result is not in the ", "vocabulary of ", vocabulary_.size(),
                  " tokens",
                  engine::hint("do vocab.json and merges.txt come from the same model?"));
    joined_.try_emplace(key(*ia, *ib), Joined{static_cast<int32_t>(rank), *both});
  }
}

void BpeTokenizer::tokenize_plain(std::string_view text, std::vector<int32_t>& ids) const {
  std::string spaced;
  if (options_.add_prefix_space && !text.starts_with(' '))
    text = spaced.append(1, ' ').append(text);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = gpt2_word_end(text, begin);
    append_word(text.substr(begin, end - begin), ids);
    begin = end;
  }
}

void BpeTokenizer::append_word(std::string_view word, std::vector<int32_t>& ids) const {
  const size_t begin = ids.size();
  for (const char c : word) {
    const int32_t id = byte_ids_[static_cast<unsigned char>(c)];
    if (id >= 0) {
      ids.push_back(id);
    } else if (special_.unk) {
      ids.push_back(*special_.unk);
    }
  }
  constexpr size_t kShort = 64;
  ids.size() - begin <= kShort ? join_short(ids, begin) : join_long(ids, begin);
}

// Joins the pair of lowest rank, leftmost first, until no pair is left. Most words are a few bytes,
// and searching those from the left each time is faster than keeping a queue.
void BpeTokenizer::join_short(std::vector<int32_t>& ids, size_t begin) const {
  while (ids.size() - begin > 1) {
    const Joined* best = nullptr;
    size_t where = 0;
    for (size_t i = begin; i + 1 < ids.size(); ++i) {
      const Joined* pair = joined(ids[i], ids[i + 1]);
      if (!pair || (best && pair->rank >= best->rank)) continue;
      best = pair;
      where = i;
    }
    if (!best) return;
    ids[where] = best->id;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(where) + 1);
  }
}

// The same for words of any length in n log n: a queue of pairs by rank and place, over symbols in
// a linked list. A pair in the queue that is no longer there is found out when it comes up.
void BpeTokenizer::join_long(std::vector<int32_t>& ids, size_t begin) const {
  struct Symbol {
    int32_t id;
    int64_t before, after;  // -1: none
  };
  struct Pair {
    int32_t rank;
    int64_t left;
    int32_t left_id, right_id, id;
    bool operator>(const Pair& other) const {
      return std::tie(rank, left) > std::tie(other.rank, other.left);
    }
  };
  const auto n = static_cast<int64_t>(ids.size() - begin);
  std::vector<Symbol> symbols;
  for (int64_t i = 0; i < n; ++i)
    symbols.push_back({ids[begin + static_cast<size_t>(i)], i - 1, i + 1 < n ? i + 1 : -1});
  const auto at = [&](int64_t i) -> Symbol& { return symbols[static_cast<size_t>(i)]; };
  std::priority_queue<Pair, std::vector<Pair>, std::greater<>> queue;
  const auto push = [&](int64_t left) {
    if (left < 0 || at(left).after < 0) return;
    const int32_t a = at(left).id, b = at(at(left).after).id;
    if (const Joined* pair = joined(a, b)) queue.push({pair->rank, left, a, b, pair->id});
  };
  for (int64_t i = 0; i + 1 < n; ++i) push(i);
  while (!queue.empty()) {
    const Pair pair = queue.top();
    queue.pop();
    Symbol& left = at(pair.left);
    const int64_t right = left.after;
    if (left.id != pair.left_id || right < 0 || at(right).id != pair.right_id) continue;
    left.id = pair.id;
    left.after = at(right).after;
    at(right).id = -1;  // gone: equals no id
    if (left.after >= 0) at(left.after).before = pair.left;
    push(left.before);
    push(pair.left);
  }
  ids.resize(begin);
  for (int64_t i = 0; i >= 0; i = at(i).after) ids.push_back(at(i).id);
}

std::string BpeTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string text;
  for (const int32_t id : ids) {
    if (skip_special && is_special(id)) continue;
    const std::string& piece = token(id);
    for (size_t at = 0; at < piece.size();) {
      const size_t start = at;
      const auto byte = bytes_.find(next_code_point(piece, at));
      if (byte != bytes_.end()) {
        text += static_cast<char>(byte->second);
      } else {
        text.append(piece, start, at - start);  // an added token is written as it is
      }
    }
  }
  return text;
}

nlohmann::ordered_json BpeTokenizer::settings() const {
  return {{"type", "bpe"}, {"add_prefix_space", options_.add_prefix_space}};
}

void BpeTokenizer::save(const std::filesystem::path& folder) const { write_bpe(folder, *this); }

}  // namespace data
