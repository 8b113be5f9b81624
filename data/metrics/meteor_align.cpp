#include "data/metrics/meteor_align.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace data::metrics {
namespace {

constexpr size_t kBeam = 40;

using Candidates = std::vector<std::vector<MeteorMatch>>;  // by word of the reference

bool intersect(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) return true;
    a[i] < b[j] ? ++i : ++j;
  }
  return false;
}

bool matches(const MeteorWord& a, const MeteorWord& b, MeteorModule module) {
  if (module == kExact) return a.word == b.word;
  if (a.word == b.word) return false;
  if (module == kStem) return a.stem == b.stem;
  return a.synonym_sets && b.synonym_sets && intersect(*a.synonym_sets, *b.synonym_sets);
}

Candidates find_matches(const std::vector<MeteorWord>& hyp, const std::vector<MeteorWord>& ref) {
  const bool equal = hyp.size() == ref.size() &&
                     std::equal(hyp.begin(), hyp.end(), ref.begin(),
                                [](const auto& a, const auto& b) { return a.word == b.word; });
  Candidates found(ref.size());
  for (int m = kExact; m < (equal ? kStem : kMeteorModules); ++m)
    for (size_t j = 0; j < ref.size(); ++j)
      for (size_t i = 0; i < hyp.size(); ++i)
        if (matches(hyp[i], ref[j], static_cast<MeteorModule>(m)))
          found[j].push_back({static_cast<int>(i), static_cast<MeteorModule>(m)});
  return found;
}

// An alignment of the reference's words up to some place.
struct Path {
  std::vector<MeteorMatch> matches;
  std::vector<char> used;  // words of the hypothesis
  int exact = 0, chunks = 0, distance = 0;
  int last = -1;  // behind the last matched word of the hypothesis; -1: no chunk is open

  void take(const MeteorMatch& match) {
    // The program adds weights to whole numbers, so a match of weight 1/2 counts nothing.
    exact += match.module == kExact;
    if (last != -1 && match.hypothesis != last) ++chunks;
    last = match.hypothesis + 1;
  }
  void close() {
    if (last != -1) ++chunks;
    last = -1;
  }
};

bool better(const Path& a, const Path& b) {
  if (a.exact != b.exact) return a.exact > b.exact;
  if (a.chunks != b.chunks) return a.chunks < b.chunks;
  return a.distance < b.distance;
}

// Matches without a rival on either side need no search.
Path fixed_matches(const Candidates& found, size_t hypothesis) {
  std::vector<int> cover(hypothesis, 0);
  for (const auto& own : found)
    for (const MeteorMatch& match : own) ++cover[match.hypothesis];
  Path path;
  path.matches.resize(found.size());
  path.used.assign(hypothesis, 0);
  for (size_t j = 0; j < found.size(); ++j)
    if (found[j].size() == 1 && cover[found[j][0].hypothesis] == 1) {
      path.matches[j] = found[j][0];
      path.used[found[j][0].hypothesis] = 1;
    }
  return path;
}

}  // namespace

MeteorAlignment meteor_align(const std::vector<MeteorWord>& hyp,
                             const std::vector<MeteorWord>& ref) {
  const Candidates found = find_matches(hyp, ref);
  std::vector<Path> paths{fixed_matches(found, hyp.size())};
  const std::vector<MeteorMatch> fixed = paths[0].matches;
  for (size_t j = 0; j < ref.size(); ++j) {
    std::stable_sort(paths.begin(), paths.end(), better);
    if (paths.size() > kBeam) paths.resize(kBeam);
    std::vector<Path> next;
    for (Path& path : paths) {
      const int place = static_cast<int>(j);
      if (fixed[j].hypothesis >= 0) {
        path.take(fixed[j]);
        path.distance += std::abs(place - fixed[j].hypothesis);
        next.push_back(std::move(path));
        continue;
      }
      for (const MeteorMatch& match : found[j]) {
        if (path.used[match.hypothesis]) continue;
        Path with = path;
        with.used[match.hypothesis] = 1;
        with.matches[j] = match;
        with.take(match);
        next.push_back(std::move(with));
        // The program counts the distance on the paths that are made after this one.
        path.distance += std::abs(place - match.hypothesis);
      }
      path.close();
      next.push_back(std::move(path));
    }
    paths = std::move(next);
  }
  std::stable_sort(paths.begin(), paths.end(), better);
  if (paths.size() > kBeam) paths.resize(kBeam);
  for (Path& path : paths) path.close();
  std::stable_sort(paths.begin(), paths.end(), better);
  Path& best = paths.front();
  return {std::move(best.matches), best.chunks};
}

}  // namespace data::metrics
