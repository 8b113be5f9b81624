// The two-way table of tokens and ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace data {

class Vocabulary {
 public:
  // Gives `token` the id `id`. Ids may come in any order and may leave holes (a hole's token is
  // ""). A token that comes twice keeps its last id, as in Hugging Face's vocab.txt reader. Throws
  // engine::Error for an id below 0 or above 2^24.
  void add(std::string_view token, int32_t id);

  std::optional<int32_t> id(std::string_view token) const {
    auto found = ids_.find(token);
    return found == ids_.end() ? std::nullopt : std::optional<int32_t>(found->second);
  }
  const std::string& token(int32_t id) const;  // throws engine::Error if out of range
  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }  // largest id + 1
  bool empty() const { return tokens_.empty(); }

  // 64-bit FNV-1a over all tokens in the order of ids, as 16 hexadecimal digits: two runs used the
  // same vocabulary or not.
  std::string fingerprint() const;

 private:
  struct Hash {
    using is_transparent = void;  // look up with a string_view, without making a string
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> ids_;
};

}  // namespace data
