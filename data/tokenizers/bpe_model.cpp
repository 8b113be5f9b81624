// Byte-pair encoding: a word is cut into characters, and neighbours are joined in the order in
// which training found the pairs.
//
// Source: Hugging Face's BPE model. A character that the vocabulary lacks becomes its bytes as
// tokens "<0xE2>" (byte_fallback), else the unknown token (runs of it become one with fuse_unk),
// else nothing. With ignore_merges a word that is a token is that token.
#include <array>
#include <queue>
#include <tuple>

#include "data/tokenizers/byte_level.h"
#include "data/tokenizers/model.h"
#include "data/tokenizers/part_json.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;

struct Joined {
  int32_t rank, id;
};

// The merges by their pair of ids: open addressing, as the lookup is what encoding spends its time
// on.
class PairTable {
 public:
  void reserve(size_t pairs) {
    size_t size = 16;
    while (size < 2 * pairs) size *= 2;
    slots_.assign(size, {kEmpty, {0, 0}});
  }
  void set(int32_t a, int32_t b, Joined joined) { slots_[place(key(a, b))] = {key(a, b), joined}; }
  const Joined* find(int32_t a, int32_t b) const {
    const Slot& slot = slots_[place(key(a, b))];
    return slot.key == kEmpty ? nullptr : &slot.joined;
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  struct Slot {
    uint64_t key;
    Joined joined;
  };
  static uint64_t key(int32_t a, int32_t b) { return uint64_t(uint32_t(a)) << 32 | uint32_t(b); }
  size_t place(uint64_t k) const {
    const size_t mask = slots_.size() - 1;
    size_t at = (k * 0x9E3779B97F4A7C15u >> 20) & mask;
    while (slots_[at].key != kEmpty && slots_[at].key != k) at = (at + 1) & mask;
    return at;
  }
  std::vector<Slot> slots_ = {{kEmpty, {0, 0}}};
};

std::string byte_token(unsigned char byte) {
  constexpr char kHex[] = "0123456789ABCDEF";
  return std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + ">";
}

class Bpe final : public TokenModel {
 public:
  Bpe(const Json& json, const std::string& where, const Vocabulary& vocabulary);

  void append(std::string_view word, bool bytes, std::vector<int32_t>& ids) const override;
  bool reads_bytes() const override { return prefix_.empty() && suffix_.empty(); }
  const char* kind() const override { return "bpe"; }

 private:
  void read_merges(const Json& list, const std::string& where);
  void join_short(std::vector<int32_t>& ids, size_t begin) const;
  void join_long(std::vector<int32_t>& ids, size_t begin) const;

  Vocabulary vocabulary_;
  PairTable merges_;
  std::array<int32_t, 256> byte_ids_;      // of ByteLevel's characters; -1: not in the vocabulary
  std::array<int32_t, 256> fallback_ids_;  // of "<0x00>" ...; -1
  std::unordered_map<std::string, int32_t> whole_;  // tokens as bytes, for ignore_merges
  std::string prefix_, suffix_;
  int32_t unk_ = -1;
  bool fuse_unk_, byte_fallback_, ignore_merges_;
};

Bpe::Bpe(const Json& json, const std::string& where, const Vocabulary& vocabulary)
    : vocabulary_(vocabulary) {
  const auto is_set = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && !found->is_null();
  };
  const auto text = [&](const char* key) {
    if (!is_set(key)) return std::string();
    engine::check(json[key].is_string(), where, "the model's \"", key, "\" should be text");
    return json[key].get<std::string>();
  };
  const auto flag = [&](const char* key) {
    if (!is_set(key)) return false;
    engine::check(json[key].is_boolean(), where, "the model's \"", key,
                  "\" should be true or false");
    return json[key].get<bool>();
  };
  engine::check(!is_set("dropout") || json["dropout"] == 0.0, where,
                "the model's setting 'dropout' makes ids random and is not known here");
  prefix_ = text("continuing_subword_prefix");
  suffix_ = text("end_of_word_suffix");
  fuse_unk_ = flag("fuse_unk");
  byte_fallback_ = flag("byte_fallback");
  ignore_merges_ = flag("ignore_merges");
  if (const std::string unk = text("unk_token"); !unk.empty()) {
    // A token for unknown characters that the vocabulary lacks fails in the library when it is
    // needed, and byte-level vocabularies never need it.
    unk_ = vocabulary_.id(unk).value_or(-1);
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    byte_ids_[byte] = vocabulary_.id(byte_characters()[byte]).value_or(-1);
    fallback_ids_[byte] = vocabulary_.id(byte_token(static_cast<unsigned char>(byte))).value_or(-1);
  }
  if (ignore_merges_ && reads_bytes())
    for (int32_t id = 0; id < vocabulary_.size(); ++id)
      if (const auto bytes = from_byte_characters(vocabulary_.token(id)); bytes && !bytes->empty())
        whole_[*bytes] = id;
  const auto merges = json.find("merges");
  engine::check(merges != json.end() && merges->is_array(), where, "the model has no \"merges\"");
  read_merges(*merges, where);
}

// A merge is "a b", or since 2024 ["a", "b"].
void Bpe::read_merges(const Json& list, const std::string& where) {
  merges_.reserve(list.size());
  int32_t rank = 0;
  for (const Json& merge : list) {
    std::string_view a, b;
    if (merge.is_string()) {
      const std::string_view line = merge.get_ref<const std::string&>();
      const size_t space = line.find(' ');
      engine::check(space != std::string_view::npos && space > 0 && space + 1 < line.size() &&
                        line.find(' ', space + 1) == std::string_view::npos,
                    where, "merge ", rank + 1, " is '", line,
                    "', expected two tokens with a space between them");
      a = line.substr(0, space);
      b = line.substr(space + 1);
    } else {
      engine::check(
          merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string(),
          where, "merge ", rank + 1, " is ", merge.dump().substr(0, 100), ", expected two tokens");
      a = merge[0].get_ref<const std::string&>();
      b = merge[1].get_ref<const std::string&>();
    }
    const std::string both =
        std::string(a) + std::string(b.substr(std::min(prefix_.size(), b.size())));
    const auto ia = vocabulary_.id(a), ib = vocabulary_.id(b), joined = vocabulary_.id(both);
    engine::check(ia && ib && joined, where, "merge ", rank + 1, " ('", a, "' with '", b,
                  "') or its result is not in the vocabulary of ", vocabulary_.size(), " tokens",
                  engine::hint("do vocab.json and merges.txt come from the same model?"));
    merges_.set(*ia, *ib, {rank++, *joined});  // of two equal merges the last counts
  }
}

void Bpe::append(std::string_view word, bool bytes, std::vector<int32_t>& ids) const {
  if (ignore_merges_) {
    if (bytes) {
      if (const auto found = whole_.find(std::string(word)); found != whole_.end())
        return ids.push_back(found->second);
    } else if (const auto id = vocabulary_.id(word)) {
      return ids.push_back(*id);
    }
  }
  const size_t begin = ids.size();
  bool unknown = false;  // an unknown token that is not written yet
  const auto known = [&](int32_t id) {
    if (unknown) ids.push_back(unk_);
    unknown = false;
    ids.push_back(id);
  };
  const auto lacking = [&](std::string_view character) {
    if (byte_fallback_) {
      const auto is_there = [&](char c) {
        return fallback_ids_[static_cast<unsigned char>(c)] >= 0;
      };
      if (std::all_of(character.begin(), character.end(), is_there)) {
        // As the library: an unknown token before them is written behind them.
        for (const char c : character) ids.push_back(fallback_ids_[static_cast<unsigned char>(c)]);
        return;
      }
    }
    if (unk_ < 0) return;
    if (unknown && !fuse_unk_) ids.push_back(unk_);
    unknown = true;
  };
  if (bytes) {
    for (const char c : word) {
      const int32_t id = byte_ids_[static_cast<unsigned char>(c)];
      id >= 0 ? known(id) : lacking(byte_characters()[static_cast<unsigned char>(c)]);
    }
  } else {
    std::string changed;
    for (size_t at = 0; at < word.size();) {
      const size_t from = at;
      next_code_point(word, at);
      std::string_view character = word.substr(from, at - from);
      if ((from > 0 && !prefix_.empty()) || (at == word.size() && !suffix_.empty())) {
        changed = from > 0 ? prefix_ : "";
        changed += character;
        if (at == word.size()) changed += suffix_;
        character = changed;
      }
      const auto id = vocabulary_.id(character);
      id ? known(*id) : lacking(character);
    }
  }
  if (unknown) ids.push_back(unk_);
  constexpr size_t kShort = 64;
  ids.size() - begin <= kShort ? join_short(ids, begin) : join_long(ids, begin);
}

// Joins the pair of lowest rank, leftmost first, until no pair is left. Most words are a few
// symbols, and searching those from the left each time is faster than keeping a queue.
void Bpe::join_short(std::vector<int32_t>& ids, size_t begin) const {
  while (ids.size() - begin > 1) {
    const Joined* best = nullptr;
    size_t where = 0;
    for (size_t i = begin; i + 1 < ids.size(); ++i) {
      const Joined* pair = merges_.find(ids[i], ids[i + 1]);
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
void Bpe::join_long(std::vector<int32_t>& ids, size_t begin) const {
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
  symbols.reserve(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    symbols.push_back({ids[begin + static_cast<size_t>(i)], i - 1, i + 1 < n ? i + 1 : -1});
  const auto at = [&](int64_t i) -> Symbol& { return symbols[static_cast<size_t>(i)]; };
  std::priority_queue<Pair, std::vector<Pair>, std::greater<>> queue;
  const auto push = [&](int64_t left) {
    if (left < 0 || at(left).after < 0) return;
    const int32_t a = at(left).id, b = at(at(left).after).id;
    if (const Joined* pair = merges_.find(a, b)) queue.push({pair->rank, left, a, b, pair->id});
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

}  // namespace

std::unique_ptr<TokenModel> make_bpe(const Json& json, const std::string& where,
                                     const Vocabulary& vocabulary) {
  return std::make_unique<Bpe>(json, where, vocabulary);
}

}  // namespace data
