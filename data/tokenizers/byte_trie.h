// A trie over byte strings: all the tokens that a text has at one place, in one walk.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <vector>

namespace data {

class ByteTrie {
 public:
  ByteTrie() = default;
  // `ids` beside `tokens`. Empty tokens are left out; of two equal ones the last counts. The tokens
  // need not outlive the call. Memory: 12 bytes a node, at most a node a byte.
  ByteTrie(const std::vector<std::string_view>& tokens, const std::vector<int32_t>& ids) {
    std::vector<size_t> order(tokens.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return tokens[a] < tokens[b]; });
    struct Range {
      uint32_t node;
      size_t begin, end, depth;
    };
    std::vector<Range> open = {{0, 0, order.size(), 0}};
    nodes_.push_back({});
    for (size_t next = 0; next < open.size(); ++next) {  // breadth first, no recursion
      const Range r = open[next];
      size_t at = r.begin;
      for (; at < r.end && tokens[order[at]].size() == r.depth; ++at)
        if (r.depth > 0) nodes_[r.node].id = ids[order[at]];
      nodes_[r.node].first = static_cast<uint32_t>(nodes_.size());
      while (at < r.end) {
        const auto byte = static_cast<unsigned char>(tokens[order[at]][r.depth]);
        size_t end = at;
        while (end < r.end && static_cast<unsigned char>(tokens[order[end]][r.depth]) == byte)
          ++end;
        open.push_back({static_cast<uint32_t>(nodes_.size()), at, end, r.depth + 1});
        nodes_.push_back({.label = byte});
        ++nodes_[r.node].children;
        at = end;
      }
    }
  }

  // Calls found(end, id) for every token that `text` has at `begin`, shortest first.
  template <class Found>
  void prefixes(std::string_view text, size_t begin, Found found) const {
    if (nodes_.empty()) return;
    size_t node = 0;
    for (size_t at = begin; at < text.size(); ++at) {
      const auto byte = static_cast<unsigned char>(text[at]);
      const auto first = nodes_.begin() + nodes_[node].first;
      const auto last = first + nodes_[node].children;
      const auto child = std::lower_bound(
          first, last, byte, [](const Node& n, unsigned char b) { return n.label < b; });
      if (child == last || child->label != byte) return;
      node = static_cast<size_t>(child - nodes_.begin());
      if (child->id >= 0) found(at + 1, child->id);
    }
  }

 private:
  struct Node {
    uint32_t first = 0;  // of its children, which stand beside one another
    int32_t id = -1;     // of the token that ends here
    uint16_t children = 0;
    unsigned char label = 0;
  };
  std::vector<Node> nodes_;
};

}  // namespace data
