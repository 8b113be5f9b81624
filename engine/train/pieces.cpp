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
  const int count = batch.sequences();
  const Segments& input = batch.segments;
  const bool decoded = !batch.output.ids.empty();
  // Tokens before sequence i, an output's with its input's.
  const auto before = [&](int i) {
    const auto at = static_cast<size_t>(i);
    return int64_t{input.starts[at]} + (decoded ? batch.output.segments.starts[at] : 0);
  };
  const int64_t tokens = before(count);
  if (most_tokens > 0 && tokens > most_tokens) {
    const int64_t pieces = (tokens + most_tokens - 1) / most_tokens;
    const double each = static_cast<double>(tokens) / static_cast<double>(pieces);
    for (int i = 1, first = 0; i < count; ++i) {  // cut before i?
      const bool full =
          static_cast<double>(before(i)) >= each * static_cast<double>(ends_.size() + 1);
      if (full || before(i + 1) - before(first) > most_tokens) {
        ends_.push_back(i);
        first = i;
      }
    }
  }
  ends_.push_back(count);
}

const TokenBatch& Pieces::get(int piece) {
  if (count() == 1) return *batch_;
  const TokenBatch& all = *batch_;
  const int first = begin(piece), last = ends_[static_cast<size_t>(piece)];
  const auto rows = [&](const Segments& segments, const auto& from, auto& to) {
    if (from.empty())
      to.clear();
    else
      to.assign(from.begin() + segments.begin(first),
                from.begin() + segments.starts[static_cast<size_t>(last)]);
  };
  const auto segments = [&](const Segments& from, Segments& to) {
    to.clear();
    for (int i = first; i < last && i < from.count(); ++i) to.add(from.length(i));
  };
  // Some numbers a sequence: one, or a flag for each class.
  const auto sequences = [&](const auto& from, auto& to) {
    const auto width = static_cast<int64_t>(from.size()) / all.sequences();
    to.assign(from.begin() + first * width, from.begin() + last * width);
  };
  rows(all.segments, all.ids, part_.ids);
  rows(all.segments, all.types, part_.types);
  rows(all.output.segments, all.output.ids, part_.output.ids);
  rows(all.predicting(), all.targets, part_.targets);
  sequences(all.labels, part_.labels);
  sequences(all.examples, part_.examples);
  segments(all.segments, part_.segments);
  segments(all.output.segments, part_.output.segments);
  return part_;
}

}  // namespace engine
