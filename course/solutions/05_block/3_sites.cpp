#include <algorithm>
#include <set>
#include <stdexcept>

#include "task.h"

namespace task {

std::vector<int> choose(const std::vector<Site>& sites, const std::vector<std::string>& roles,
                        const std::vector<int>& layers) {
  for (const std::string& role : roles)
    if (std::none_of(sites.begin(), sites.end(), [&](const Site& s) { return s.role == role; }))
      throw std::invalid_argument("no layer has the role " + role);
  std::vector<int> chosen;
  for (size_t i = 0; i < sites.size(); ++i) {
    const Site& s = sites[i];
    const bool role = std::find(roles.begin(), roles.end(), s.role) != roles.end();
    const bool layer =
        layers.empty() || std::find(layers.begin(), layers.end(), s.layer) != layers.end();
    if (role && layer) chosen.push_back(static_cast<int>(i));
  }
  return chosen;
}

static int number_at(const std::string& text, size_t& at) {
  const size_t begin = at;
  int value = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - begin < 6)
    value = 10 * value + (text[at++] - '0');
  if (at == begin) throw std::invalid_argument("a number was expected in " + text);
  return value;
}

std::vector<int> layers_from_text(const std::string& text) {
  std::set<int> layers;
  size_t at = 0;
  while (true) {
    const int first = number_at(text, at);
    int last = first;
    if (at < text.size() && text[at] == '-') last = number_at(text, ++at);
    if (last < first) throw std::invalid_argument("a range goes down in " + text);
    for (int layer = first; layer <= last; ++layer) layers.insert(layer);
    if (at == text.size()) break;
    if (text[at++] != '+') throw std::invalid_argument("a '+' was expected in " + text);
  }
  return {layers.begin(), layers.end()};
}

}  // namespace task
