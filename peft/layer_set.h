// Which encoder layers a strategy uses: "all", "3", "0-3", "0-3+8+10".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace peft {

class LayerSet {
 public:
  LayerSet() = default;  // all
  // `where` opens the message of an error.
  static LayerSet parse(std::string_view text, const std::string& where);
  static LayerSet of(std::vector<int> layers);

  bool all() const { return layers_.empty(); }
  bool contains(int layer) const;
  // Throws if a layer of the set is not below `count`.
  void check_within(int count, const std::string& where) const;
  std::string text() const;  // canonical: sorted, runs as "a-b"

 private:
  std::vector<int> layers_;  // sorted, no duplicates; empty: all
};

}  // namespace peft
