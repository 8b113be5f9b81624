#include "engine/train/pieces.h"

#include <algorithm>

#include "engine/nn/parameter.h"

namespace engine {

int64_t default_piece_tokens(Module& model) {
  int64_t widest = 1;
  model.visit([&](const Parameter& p) {
    if (p.role != Role::embedding && p.role != Role::head && p.role != Role::lm_head &&
        p.role != Role::injected)
      widest = std::max(widest, p.shape.rows);
  });
  return std::clamp<int64_t>(1024 * 1536 / widest / 64 * 64, 256, 1024);
}

void Pieces::cut(const TokenBatch& batch, int64_t most_tokens) {
  batch_ = &batch;
  ends_.clear();
  const Segments& all = batch.segments;
  if (most_tokens > 0 && batch.tokens() > most_tokens) {
    const int64_t pieces = (batch.tokens() + most_tokens - 1) / most_tokens;
    const double each = static_cast<double>(batch.tokens()) / static_cast<double>(pieces);
    for (int i = 1, first = 0; i < all.count(); ++i) {  // cut before i?
      const int64_t with = all.begin(i) + all.length(i) - all.begin(first);
      const bool full = all.begin(i) >= each * static_cast<double>(ends_.size() + 1);
      if (full || with > most_tokens) {
        ends_.push_back(i);
        first = i;
      }
    }
  }
  ends_.push_back(all.count());
}

const TokenBatch& Pieces::get(int piece) {
  if (count() == 1) return *batch_;
  const TokenBatch& all = *batch_;
  const int first = begin(piece), last = ends_[static_cast<size_t>(piece)];
  const auto rows = [&](const std::vector<int32_t>& from, std::vector<int32_t>& to) {
    if (from.empty())
      to.clear();
    else
      to.assign(from.begin() + all.segments.begin(first),
                from.begin() + all.segments.starts[static_cast<size_t>(last)]);
  };
  // Some numbers a sequence: one, or a flag for each class.
  const auto sequences = [&](const auto& from, auto& to) {
    const auto width = static_cast<int64_t>(from.size()) / all.sequences();
    to.assign(from.begin() + first * width, from.begin() + last * width);
  };
  rows(all.ids, part_.ids);
  rows(all.types, part_.types);
  rows(all.targets, part_.targets);
  sequences(all.labels, part_.labels);
  sequences(all.examples, part_.examples);
  part_.segments.clear();
  for (int i = first; i < last; ++i) part_.segments.add(all.segments.length(i));
  return part_;
}

}  // namespace engine
