#include "models/causal.h"

namespace models {

using engine::check;
using engine::Graph;
using engine::hint;
using engine::KvCache;
using engine::Segments;

double token_head_dropout(ConfigReader& in) {
  for (const char* key : {"classifier_dropout", "hidden_dropout"})
    if (!in.raw(key).is_null()) return in.dropout(key, 0.1);
  return 0.1;
}

int64_t positions_in_front(const engine::Sites& sites) {
  const auto& points = sites.kv.points;
  return (points.empty() ? 0 : points.front()->length()) +
         (sites.words ? sites.words->prompt_length() : 0);
}

CausalStep::CausalStep(Graph& g, const engine::Batch& batch, const Ask& ask,
                       const engine::KvPoint& front, int64_t longest)
    : segments_(batch.predicting()), ask_(ask), continued_(ask.cache && !ask.cache->empty()) {
  const Segments& segments = segments_;
  KvCache* cache = ask.cache;
  check(!cache || !g.records(), "model", "a graph that records cannot read a cache");
  check(!cache || cache->sequences() == segments.count(), "model", "a batch of ", segments.count(),
        " sequences for a cache of ", cache ? cache->sequences() : 0);
  const int64_t prefix = continued_ ? 0 : front.length();
  check(!is_infix(front) || batch.output.ids.empty(), "model",
        "an encoder-decoder has no place for an infix", hint("its prefixes stand in front"));
  if (prefix > 0 && is_infix(front)) infix_.emplace(batch, ask.rows, static_cast<int32_t>(prefix));
  const std::span<int32_t> all = g.take<int32_t>(segments.rows());
  for (int s = 0; s < segments.count(); ++s) {
    const int64_t before = prefix + (cache ? cache->length(s) : 0);
    check(before + segments.length(s) <= longest, "model", "a sequence of ", segments.length(s),
          " tokens", before ? engine::concat(" behind ", before, " others") : "",
          " does not fit the ", longest, " positions of this model",
          hint("give --max-length ", longest - front.length(), " or less"));
    for (int32_t i = 0; i < segments.length(s); ++i) {
      const bool in_front = infix_ && i < infix_->before[static_cast<size_t>(s)];
      all[static_cast<size_t>(segments.begin(s) + i)] =
          static_cast<int32_t>(in_front ? before - prefix : before) + i;
    }
  }
  positions_ = all;
  if (ask.rows) {
    const std::span<int32_t> asked = g.take<int32_t>(ask.rows->count());
    for (size_t i = 0; i < asked.size(); ++i)
      asked[i] = all[static_cast<size_t>(ask.rows->rows[i])];
    asked_ = asked;
  }
  if (cache) {
    Segments room;
    for (int s = 0; s < segments.count(); ++s)
      room.add(static_cast<int32_t>(prefix) + segments.length(s));
    cache->begin_step(room);
  }
}

void CausalStep::finish() const {
  if (ask_.cache) ask_.cache->end_step();
}

}  // namespace models
