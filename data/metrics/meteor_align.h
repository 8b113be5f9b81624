// The alignment of METEOR (data/metrics/meteor.h): which word of a hypothesis goes with which of a
// reference.
#pragma once

#include <cstdint>
#include <vector>

namespace data::metrics {

enum MeteorModule : int { kExact, kStem, kSynonym, kMeteorModules };

// A word of one side as its matchers see it. Equal numbers match; sets match if they intersect.
struct MeteorWord {
  int32_t word = 0, stem = 0;
  const std::vector<int32_t>* synonym_sets = nullptr;  // sorted; nullptr: no synonym module
  bool function_word = false;
};

struct MeteorMatch {
  int hypothesis = -1;  // its word; -1: none
  MeteorModule module = kExact;
};

struct MeteorAlignment {
  std::vector<MeteorMatch> matches;  // [j]: of word j of the reference
  int chunks = 0;
};

MeteorAlignment meteor_align(const std::vector<MeteorWord>& hypothesis,
                             const std::vector<MeteorWord>& reference);

}  // namespace data::metrics
