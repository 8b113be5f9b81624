#include "peft/layer_set.h"

#include <algorithm>

#include "engine/base/number.h"

namespace peft {
namespace {

int parse_layer(std::string_view text, std::string_view whole, const std::string& where) {
  const auto value = engine::to_number<int>(text);
  engine::check(value && *value >= 0 && *value < 100000, where, "layers=", whole,
                " is no list of layers",
                engine::hint("layers count from 0; write for instance all, 11, 0-3 or 0-3+8"));
  return *value;
}

}  // namespace

LayerSet LayerSet::parse(std::string_view text, const std::string& where) {
  if (text == "all") return {};
  std::vector<int> layers;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('+', begin), text.size());
    const std::string_view item = text.substr(begin, end - begin);
    const size_t dash = item.find('-');
    const int first = parse_layer(item.substr(0, dash), text, where);
    const int last =
        dash == std::string_view::npos ? first : parse_layer(item.substr(dash + 1), text, where);
    engine::check(first <= last, where, "layers=", text, " runs backwards at ", item);
    for (int i = first; i <= last; ++i) layers.push_back(i);
    begin = end + 1;
  }
  return of(std::move(layers));
}

LayerSet LayerSet::of(std::vector<int> layers) {
  std::sort(layers.begin(), layers.end());
  layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  LayerSet set;
  set.layers_ = std::move(layers);
  return set;
}

bool LayerSet::contains(int layer) const {
  return all() || std::binary_search(layers_.begin(), layers_.end(), layer);
}

void LayerSet::check_within(int count, const std::string& where) const {
  engine::check(all() || layers_.back() < count, where, "layers=", text(), ", but the model has ",
                count, " layers",
                engine::hint(engine::concat("layers count from 0, so the last is ", count - 1)));
}

std::string LayerSet::text() const {
  if (all()) return "all";
  std::string out;
  for (size_t i = 0; i < layers_.size();) {
    size_t last = i;
    while (last + 1 < layers_.size() && layers_[last + 1] == layers_[last] + 1) ++last;
    if (!out.empty()) out += '+';
    out += std::to_string(layers_[i]);
    if (last > i) out += '-' + std::to_string(layers_[last]);
    i = last + 1;
  }
  return out;
}

}  // namespace peft
