// The packed batch: what data/ makes and models/ eat, and the only type that both know.
//
// The tokens of all sequences stand under one another without padding. `segments` says where each
// sequence begins, so the batch {"a b c", "d e"} is 5 rows with starts {0, 3, 5}. A sequence is
// never empty.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace engine {

// Row ranges of the sequences in a packed batch: sequence i is rows [starts[i], starts[i+1]);
// starts[0] = 0.
struct Segments {
  std::vector<int32_t> starts{0};

  int count() const { return static_cast<int>(starts.size()) - 1; }
  int32_t rows() const { return starts.back(); }
  int32_t begin(int i) const { return starts[static_cast<size_t>(i)]; }
  int32_t length(int i) const {
    return starts[static_cast<size_t>(i) + 1] - starts[static_cast<size_t>(i)];
  }
  int32_t longest() const {
    int32_t most = 0;
    for (int i = 0; i < count(); ++i) most = std::max(most, length(i));
    return most;
  }
  void add(int32_t length) { starts.push_back(starts.back() + length); }
  void clear() { starts.assign(1, 0); }
};

// Some rows of a packed batch, in its order: those of sequence i are rows[segments.begin(i)] and
// on. Here a sequence may have none. For what is only wanted at a few tokens: the first of each
// sequence, the masked ones.
struct RowSelection {
  std::vector<int32_t> rows;
  Segments segments;

  int64_t count() const { return static_cast<int64_t>(rows.size()); }
  // The first token of every sequence.
  void choose_first(const Segments& all) {
    rows.assign(all.starts.begin(), all.starts.end() - 1);
    one_each(all);
  }
  // The last token of every sequence.
  void choose_last(const Segments& all) {
    rows.assign(all.starts.begin() + 1, all.starts.end());
    for (int32_t& row : rows) --row;
    one_each(all);
  }
  // `chosen` must ascend.
  void choose(const Segments& all, const std::vector<int32_t>& chosen) {
    rows = chosen;
    segments.clear();
    size_t at = 0;
    for (int i = 0; i < all.count(); ++i) {
      const size_t begin = at;
      while (at < rows.size() && rows[at] < all.begin(i) + all.length(i)) ++at;
      segments.add(static_cast<int32_t>(at - begin));
    }
  }

 private:
  void one_each(const Segments& all) {
    segments.clear();
    for (int i = 0; i < all.count(); ++i) segments.add(1);
  }
};

// The tokens of some sequences, under one another.
struct Tokens {
  std::vector<int32_t> ids;  // (tokens) vocabulary ids, special tokens included
  // (tokens) token_type_ids: 0 for the first text, 1 for the second where the model has them.
  std::vector<int32_t> types;
  Segments segments;  // (sequences + 1)

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  int sequences() const { return segments.count(); }
};

// A batch is its input tokens, and what a task wants of them: targets (a term for each token that
// predicts) or labels (a term, or a row of terms, for each sequence).
struct Batch : Tokens {
  Tokens output;  // what a decoder reads beside an encoder; else empty
  // (tokens that predict: output's if there are any, else the input's) an id or a class; -1: no
  // term. Empty: there are none.
  std::vector<int32_t> targets;
  // (sequences) class index, or the target of a regression; (sequences x classes) of several
  // labels. Empty when unknown.
  std::vector<double> labels;
  std::vector<int64_t> examples;  // (sequences) row number in the data set

  // The sequences of what predicts.
  const Segments& predicting() const { return output.ids.empty() ? segments : output.segments; }

  // Terms of the loss, which is their mean: what micro-batches are weighed by.
  int64_t terms() const {
    if (targets.empty()) return static_cast<int64_t>(labels.size());
    return std::count_if(targets.begin(), targets.end(), [](int32_t t) { return t >= 0; });
  }
};
using TokenBatch = Batch;

}  // namespace engine
