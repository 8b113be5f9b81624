#include "tasks/entities.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/error.h"

namespace tasks {

using engine::Json;

namespace {

struct ChunkTag {
  char letter = 'O';
  std::string type;
};

// "B-PER" -> B, PER; "B-MISC-x" -> B, MISC-x; "O" -> O, _ .
ChunkTag parse(const std::string& text) {
  ChunkTag tag;
  if (text.empty()) return tag;
  tag.letter = text[0];
  const size_t dash = text.find('-', 1);
  tag.type = dash == std::string::npos ? text.substr(1) : text.substr(dash + 1);
  if (tag.type.empty()) tag.type = "_";
  return tag;
}

bool outside(const ChunkTag& tag) { return tag.letter == 'O' || tag.letter == '.'; }

bool ends(const ChunkTag& before, const ChunkTag& tag) {
  if (before.letter == 'E' || before.letter == 'S') return true;
  const bool inside = before.letter == 'B' || before.letter == 'I';
  if (inside && (tag.letter == 'B' || tag.letter == 'S' || tag.letter == 'O')) return true;
  return !outside(before) && before.type != tag.type;
}

bool begins(const ChunkTag& before, const ChunkTag& tag) {
  if (tag.letter == 'B' || tag.letter == 'S') return true;
  const bool closed = before.letter == 'E' || before.letter == 'S' || before.letter == 'O';
  if (closed && (tag.letter == 'E' || tag.letter == 'I')) return true;
  return !outside(tag) && before.type != tag.type;
}

struct Counts {
  double both = 0, predicted = 0, truth = 0;
  static double ratio(double top, double bottom) { return bottom == 0 ? 0 : top / bottom; }
  double precision() const { return ratio(both, predicted); }
  double recall() const { return ratio(both, truth); }
  double f1() const { return ratio(2 * both, predicted + truth); }
};

}  // namespace

std::vector<Entity> entities(std::span<const std::string> tags) {
  std::vector<Entity> found;
  ChunkTag before;
  int64_t begin = 0;
  const auto n = static_cast<int64_t>(tags.size());
  for (int64_t i = 0; i <= n; ++i) {
    const ChunkTag tag = i < n ? parse(tags[static_cast<size_t>(i)]) : ChunkTag{'O', "_"};
    if (ends(before, tag)) found.push_back({before.type, begin, i - 1});
    if (begins(before, tag)) begin = i;
    before = tag;
  }
  return found;
}

Json entity_report(const Tags& predicted, const Tags& truth) {
  engine::check(predicted.size() == truth.size(), "entities", predicted.size(),
                " predicted sentences for ", truth.size());
  std::map<std::string, Counts> types;
  Counts all;
  double words = 0, right = 0;
  for (size_t s = 0; s < truth.size(); ++s) {
    engine::check(predicted[s].size() == truth[s].size(), "entities", "sentence ", s, " has ",
                  truth[s].size(), " words and ", predicted[s].size(), " predictions");
    for (size_t i = 0; i < truth[s].size(); ++i) right += predicted[s][i] == truth[s][i];
    words += static_cast<double>(truth[s].size());
    const std::vector<Entity> p = entities(predicted[s]), t = entities(truth[s]);
    const std::set<Entity> known(t.begin(), t.end());
    for (const Entity& e : t) {
      ++types[e.type].truth;
      ++all.truth;
    }
    for (const Entity& e : p) {
      const double hit = known.contains(e);
      for (Counts* c : {&types[e.type], &all}) {
        ++c->predicted;
        c->both += hit;
      }
    }
  }
  double macro = 0;
  Json list = Json::array();
  for (const auto& [type, c] : types) {
    macro += c.f1() / static_cast<double>(types.size());
    list.push_back({{"label", type},
                    {"precision", c.precision()},
                    {"recall", c.recall()},
                    {"f1", c.f1()},
                    {"support", c.truth},
                    {"predicted", c.predicted}});
  }
  return {{"precision", all.precision()},
          {"recall", all.recall()},
          {"f1", all.f1()},
          {"accuracy", Counts::ratio(right, words)},
          {"macro_f1", macro},
          {"types", list}};
}

}  // namespace tasks
