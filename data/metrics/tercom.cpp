// The search of tercom: which blocks are tried, in which order, and which of equals is kept, decide
// the number of edits, so all of it is as there.
#include <algorithm>

#include "data/metrics/ngrams.h"
#include "data/metrics/ter.h"
#include "data/metrics/tokenize.h"
#include "engine/base/error.h"

namespace data::metrics {
namespace {

constexpr int kBeam = 20, kLongestBlock = 10, kFarthestShift = 50;
constexpr int kUnreached = -1, kFar = 999999;

enum class Step : char { none, match, substitute, insert, remove };

struct Alignment {
  int edits = 0;
  std::vector<Step> steps;  // from the first words to the last
};

// Which words of both sides are part of an edit, and for each word of the reference the place in
// the hypothesis (of a deleted one: the place before it).
struct Errors {
  std::vector<char> hypothesis, reference;
  std::vector<int> place;
};

struct Shift {
  int begin, end;  // first and last word of the block
  int behind;      // it goes behind this word; -1: to the front
};

class Search {
 public:
  Search(Ids hypothesis, const Ids& reference) : words_(std::move(hypothesis)), ref_(reference) {}

  int edits() {
    Alignment best = align(words_);
    int shifts = 0;
    while (shift(best)) ++shifts;
    return best.edits + shifts;
  }

 private:
  // Levenshtein by columns of the hypothesis; a cell more than kBeam above its column's best so far
  // is not extended.
  Alignment align(const Ids& hyp) {
    const int h = static_cast<int>(hyp.size()), r = static_cast<int>(ref_.size());
    const int width = h + 1;
    cost_.assign(static_cast<size_t>((r + 1) * width), kUnreached);
    step_.assign(cost_.size(), Step::none);
    const auto cell = [&](int i, int j) { return static_cast<size_t>(i * width + j); };
    cost_[0] = 0;
    int best = kFar, first = 0, last = -1, next_last = 0;
    for (int j = 0, next_first = 0; j <= h; ++j) {
      const int column_best = best;
      best = kFar;
      first = next_first;
      next_first = -1;
      last = next_last;
      next_last = -1;
      for (int i = std::max(first, 0); i <= r && i <= last; ++i) {
        const int score = cost_[cell(i, j)];
        if (score < 0 || (j < h && score > column_best + kBeam)) continue;
        if (next_first == -1) next_first = i;
        if (i < r && j < h) {
          const bool same = ref_[i] == hyp[j];
          const int cost = score + !same;
          int& to = cost_[cell(i + 1, j + 1)];
          if (to < 0 || cost < to) {
            to = cost;
            step_[cell(i + 1, j + 1)] = same ? Step::match : Step::substitute;
            best = std::min(best, cost);
          } else if (same) {
            best = std::min(best, cost);
          }
        }
        next_last = i + 1;
        if (j < h) reach(cell(i, j + 1), score + 1, Step::insert);
        if (i < r && reach(cell(i + 1, j), score + 1, Step::remove) && i >= last) last = i + 1;
      }
    }
    Alignment a;
    a.edits = cost_[cell(r, h)];
    for (int i = r, j = h; i > 0 || j > 0;) {
      const Step step = step_[cell(i, j)];
      engine::check(step != Step::none, "ter", "the beam lost the alignment");
      a.steps.push_back(step);
      i -= step != Step::insert;
      j -= step != Step::remove;
    }
    std::reverse(a.steps.begin(), a.steps.end());
    return a;
  }

  bool reach(size_t at, int cost, Step step) {
    if (cost_[at] >= 0 && cost_[at] <= cost) return false;
    cost_[at] = cost;
    step_[at] = step;
    return true;
  }

  Errors errors(const Alignment& a) const {
    Errors e{std::vector<char>(words_.size()), std::vector<char>(ref_.size()),
             std::vector<int>(ref_.size())};
    int hyp = -1, ref = -1;
    for (const Step step : a.steps) {
      if (step != Step::remove) e.hypothesis[static_cast<size_t>(++hyp)] = step != Step::match;
      if (step != Step::insert) {
        e.reference[static_cast<size_t>(++ref)] = step != Step::match;
        e.place[static_cast<size_t>(ref)] = hyp;
      }
    }
    return e;
  }

  // Blocks with an error that also stand in the reference, where an error is too; by length.
  std::vector<std::vector<Shift>> shifts(const Errors& e) const {
    std::vector<std::vector<Shift>> found(kLongestBlock + 1);
    const int h = static_cast<int>(words_.size()), r = static_cast<int>(ref_.size());
    for (int begin = 0; begin < h; ++begin) {
      std::vector<int> places;  // where the block begins in the reference
      for (int at = 0; at < r; ++at)
        if (ref_[at] == words_[begin]) places.push_back(at);
      bool extend = std::any_of(places.begin(), places.end(), [&](int at) {
        return begin != e.place[at] && e.place[at] - begin <= kFarthestShift &&
               begin - e.place[at] - 1 <= kFarthestShift;
      });
      bool error = false;
      for (int end = begin; extend && end < h && end < begin + kLongestBlock; ++end) {
        const int length = end - begin;
        std::erase_if(places,
                      [&](int at) { return at + length >= r || ref_[at + length] != words_[end]; });
        if (places.empty()) break;
        error = error || e.hypothesis[end];
        if (!error) continue;
        extend = false;
        for (const int at : places) {
          const int place = e.place[at];
          if (place == begin || (place >= begin && place <= end) ||
              place - begin > kFarthestShift || begin - place > kFarthestShift)
            continue;
          extend = true;
          if (std::none_of(e.reference.begin() + at, e.reference.begin() + at + length + 1,
                           [](char wrong) { return wrong; }))
            continue;
          if (at == 0) found[length].push_back({begin, end, -1});
          for (int k = at == 0 ? 0 : -1; k <= length; ++k)
            if (begin != e.place[at + k] && (k == 0 || e.place[at + k] != place))
              found[length].push_back({begin, end, e.place[at + k]});
        }
      }
    }
    return found;
  }

  Ids moved(const Shift& s) const {
    Ids out;
    out.reserve(words_.size());
    const auto copy = [&](int begin, int end) {  // [begin, end)
      for (int i = begin; i < std::min(end, static_cast<int>(words_.size())); ++i)
        out.push_back(words_[i]);
    };
    const int h = static_cast<int>(words_.size()), length = s.end + 1 - s.begin;
    if (s.behind < s.begin) {
      copy(0, s.behind + 1);
      copy(s.begin, s.end + 1);
      copy(s.behind + 1, s.begin);
      copy(s.end + 1, h);
    } else {
      // Behind a word of the block itself: over as many of the following words.
      const int to = s.behind > s.end ? s.behind + 1 : s.behind + length;
      copy(0, s.begin);
      copy(s.end + 1, to);
      copy(s.begin, s.end + 1);
      copy(std::max(to, s.end + 1), h);
    }
    return out;
  }

  // Takes the shift that saves most edits, its own counted; false if none saves any.
  bool shift(Alignment& current) {
    const auto candidates = shifts(errors(current));
    Alignment best = current;
    Ids best_words;
    int cost = 0;  // of the best shift so far: 1, or 0 for none
    for (int length = kLongestBlock; length >= 0; --length) {
      const int most = 2 * (1 + length);
      const auto enough = [&] {
        const int saved = current.edits - (cost + best.edits);
        return saved > most || (cost != 0 && saved == most);
      };
      if (enough()) break;
      for (const Shift& s : candidates[length]) {
        if (enough()) break;
        Ids words = moved(s);
        Alignment a = align(words);
        const int gain = best.edits + cost - (a.edits + 1);
        if (gain > 0 || (cost == 0 && gain == 0)) {
          best = std::move(a);
          best_words = std::move(words);
          cost = 1;
        }
      }
    }
    if (cost == 0) return false;
    current = std::move(best);
    words_ = std::move(best_words);
    return true;
  }

  Ids words_;
  const Ids& ref_;
  std::vector<int> cost_;
  std::vector<Step> step_;
};

int edits_between(const Ids& hypothesis, const Ids& reference) {
  if (hypothesis.empty() || reference.empty())
    return static_cast<int>(hypothesis.size() + reference.size());
  return Search(hypothesis, reference).edits();
}

}  // namespace

Words tokenize_tercom(std::string_view line) { return split_ascii(lower_unicode(line)); }

Ter ter_tercom(const Sentences& sentences) {
  engine::check(!sentences.hypotheses.empty(), "ter", "there is no hypothesis to score");
  const IdSentences ids = to_ids(sentences);
  Ter ter;
  for (size_t i = 0; i < sentences.size(); ++i) {
    int fewest = kFar;
    double words = 0;
    for (const Ids& reference : ids.references[i]) {
      fewest = std::min(fewest, edits_between(ids.hypotheses[i], reference));
      words += static_cast<double>(reference.size());
    }
    ter.edits += fewest;
    ter.reference_words += words / static_cast<double>(ids.references[i].size());
  }
  ter.score = ter.reference_words > 0 ? ter.edits / ter.reference_words : ter.edits > 0;
  return ter;
}

}  // namespace data::metrics
