#include <algorithm>
#include <numeric>

#include "data/metrics/ngrams.h"
#include "data/metrics/ter.h"
#include "engine/base/error.h"

namespace data::metrics {
namespace {

int edit_distance(const Ids& a, const Ids& b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    int diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const int cost = std::min({row[j] + 1, row[j + 1] + 1, diagonal + (a[i] != b[j])});
      diagonal = row[j + 1];
      row[j + 1] = cost;
    }
  }
  return row[b.size()];
}

// Moves the block that saves most edits, from its place to its place in the reference; of equals
// the one whose words then come last in the order of strings. Returns what it saves.
int best_shift(Ids& words, const Ids& reference) {
  const int before = edit_distance(words, reference);
  int most = 0;
  Ids best;
  for (size_t i = 0; i < words.size(); ++i)
    for (size_t j = 0; j < reference.size(); ++j) {
      if (i == j || words[i] != reference[j]) continue;
      size_t length = 1;
      while (i + length < words.size() && j + length < reference.size() &&
             words[i + length] == reference[j + length])
        ++length;
      Ids moved(words.begin(), words.begin() + i);
      moved.insert(moved.end(), words.begin() + i + length, words.end());
      moved.insert(moved.begin() + std::min(j, moved.size()), words.begin() + i,
                   words.begin() + i + length);
      const int saved = before - edit_distance(moved, reference);
      if (best.empty() || saved > most || (saved == most && moved > best)) {
        most = saved;
        best = std::move(moved);
      }
    }
  if (most > 0) words = std::move(best);
  return most;
}

double rate(Ids words, const Ids& reference) {
  if (reference.empty()) return 1;
  int shifts = 0;
  while (best_shift(words, reference) > 0) ++shifts;
  return (shifts + edit_distance(words, reference)) / static_cast<double>(reference.size());
}

// Numbers in the order of the strings, so that numbers compare as the words do.
IdSentences ordered_ids(const Sentences& sentences) {
  Words all;
  const auto add = [&](const Words& words) { all.insert(all.end(), words.begin(), words.end()); };
  std::for_each(sentences.hypotheses.begin(), sentences.hypotheses.end(), add);
  for (const auto& references : sentences.references)
    std::for_each(references.begin(), references.end(), add);
  std::sort(all.begin(), all.end());
  IdSentences ids;
  ids.ids(all);
  ids.references.resize(sentences.references.size());
  for (const Words& words : sentences.hypotheses) ids.hypotheses.push_back(ids.ids(words));
  for (size_t i = 0; i < sentences.references.size(); ++i)
    for (const Words& words : sentences.references[i]) ids.references[i].push_back(ids.ids(words));
  return ids;
}

}  // namespace

double ter_pyter(const Sentences& sentences) {
  engine::check(!sentences.hypotheses.empty(), "ter", "there is no hypothesis to score");
  const IdSentences ids = ordered_ids(sentences);
  double sum = 0;
  for (size_t i = 0; i < sentences.size(); ++i) {
    double least = -1;
    for (const Ids& reference : ids.references[i]) {
      const double own = rate(ids.hypotheses[i], reference);
      if (least < 0 || own < least) least = own;
    }
    sum += least;
  }
  return sum / static_cast<double>(sentences.size());
}

}  // namespace data::metrics
