// Unigram: of all ways to cut a word into tokens, the one with the largest sum of scores (Viterbi).
//
// Source: Hugging Face's Unigram model, after SentencePiece. A character that no token covers alone
// may be unknown at the cost of min_score - 10; neighbouring unknowns become one token, or their
// bytes as tokens "<0xE2>" with byte_fallback.
#include <algorithm>
#include <cmath>
#include <limits>

#include "data/tokenizers/byte_trie.h"
#include "data/tokenizers/model.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;

class Unigram final : public TokenModel {
 public:
  Unigram(const Json& json, const std::string& where, const Vocabulary& vocabulary)
      : vocabulary_(vocabulary) {
    for (const Json& entry : json.at("vocab")) {
      scores_.push_back(entry[1].get<double>());
      min_score_ = std::min(min_score_, scores_.back());
    }
    if (const auto unk = json.find("unk_id"); unk != json.end() && !unk->is_null()) {
      engine::check(unk->is_number_integer() && *unk >= 0 &&
                        unk->get<int64_t>() < static_cast<int64_t>(scores_.size()),
                    where, "the model's \"unk_id\" is ", unk->dump().substr(0, 40),
                    ", its vocabulary has ", scores_.size(), " tokens");
      unk_ = unk->get<int32_t>();
    }
    if (const auto said = json.find("byte_fallback"); said != json.end() && !said->is_null()) {
      engine::check(said->is_boolean(), where,
                    "the model's \"byte_fallback\" should be true or false");
      byte_fallback_ = said->get<bool>();
    }
    build_trie();
    constexpr char kHex[] = "0123456789ABCDEF";
    for (size_t byte = 0; byte < 256; ++byte)
      fallback_ids_.push_back(
          vocabulary_.id(std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + ">")
              .value_or(-1));
  }

  const char* kind() const override { return "unigram"; }

  void append(std::string_view word, bool, std::vector<int32_t>& ids) const override {
    // best[i]: the best way to cut the first i bytes, and its last token.
    struct Node {
      double score = 0;
      size_t begin = kNone;
      int32_t id = -1;
    };
    std::vector<Node> best(word.size() + 1);
    const double unknown = min_score_ - 10;
    for (size_t begin = 0; begin < word.size();) {
      size_t next = begin;
      next_code_point(word, next);
      const double so_far = best[begin].score;
      const auto offer = [&](size_t end, double score, int32_t id) {
        Node& node = best[end];
        if (node.begin == kNone || score + so_far > node.score) node = {score + so_far, begin, id};
      };
      bool single = false;  // a token is this one character
      trie_.prefixes(word, begin, [&](size_t end, int32_t id) {
        offer(end, scores_[static_cast<size_t>(id)], id);
        single |= end == next;
      });
      if (!single) {
        engine::check(unk_ >= 0, "tokenizer", "the character '", word.substr(begin, next - begin),
                      "' is not in the vocabulary, and the model has no unk_id");
        offer(next, unknown, unk_);
      }
      begin = next;
    }
    write(word, best, ids);
  }

 private:
  static constexpr size_t kNone = std::numeric_limits<size_t>::max();

  void build_trie() {
    std::vector<std::string_view> tokens;
    std::vector<int32_t> ids;
    for (int32_t id = 0; id < vocabulary_.size(); ++id) {
      tokens.push_back(vocabulary_.token(id));
      ids.push_back(id);
    }
    trie_ = ByteTrie(tokens, ids);
  }

  template <class Nodes>
  void write(std::string_view word, const Nodes& best, std::vector<int32_t>& ids) const {
    struct Range {
      size_t begin, end;
    };
    std::vector<Range> ranges;  // from the end
    bool unknown_before = false;
    for (size_t end = word.size(); end > 0; end = best[end].begin) {
      const bool unknown = best[end].id == unk_;
      if (unknown && unknown_before) {
        ranges.back().begin = best[end].begin;
      } else {
        ranges.push_back({best[end].begin, end});
      }
      unknown_before = unknown;
    }
    for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {
      const std::string_view piece = word.substr(range->begin, range->end - range->begin);
      if (const auto id = vocabulary_.id(piece)) {
        ids.push_back(*id);
        continue;
      }
      const auto is_there = [&](char c) {
        return fallback_ids_[static_cast<unsigned char>(c)] >= 0;
      };
      if (byte_fallback_ && std::all_of(piece.begin(), piece.end(), is_there)) {
        for (const char c : piece) ids.push_back(fallback_ids_[static_cast<unsigned char>(c)]);
      } else {
        ids.push_back(unk_);
      }
    }
  }

  Vocabulary vocabulary_;
  std::vector<double> scores_;  // by id
  double min_score_ = std::numeric_limits<double>::infinity();
  int32_t unk_ = -1;
  bool byte_fallback_ = false;
  std::vector<int32_t> fallback_ids_;  // of "<0x00>" ...; -1: not in the vocabulary
  ByteTrie trie_;
};

}  // namespace

std::unique_ptr<TokenModel> make_unigram(const Json& json, const std::string& where,
                                         const Vocabulary& vocabulary) {
  return std::make_unique<Unigram>(json, where, vocabulary);
}

}  // namespace data
