#include "models/infix.h"

#include "engine/nn/placed_hook.h"

namespace models {

bool is_infix(const engine::KvPoint& point) {
  const auto* placed = dynamic_cast<const engine::PlacedKvHook*>(point.hook());
  return placed && placed->inside();
}

InfixRows::InfixRows(const engine::Batch& batch, const engine::RowSelection* asked,
                     int32_t length) {
  std::vector<int32_t> place(static_cast<size_t>(batch.tokens()));  // of each token
  for (int s = 0; s < batch.sequences(); ++s) {
    const int32_t begin = batch.segments.begin(s), n = batch.segments.length(s);
    int32_t x = n - 1;
    if (!batch.targets.empty())
      for (x = 0; x < n - 1 && batch.targets[static_cast<size_t>(begin + x)] < 0;) ++x;
    before.push_back(x);
    for (int32_t i = 0; i < n; ++i) {
      if (i == x)
        for (int32_t j = 0; j < length; ++j) {
          own.push_back(-1);
          learned.push_back(j);
        }
      place[static_cast<size_t>(begin + i)] = static_cast<int32_t>(own.size());
      own.push_back(begin + i);
      learned.push_back(-1);
    }
    segments.add(n + length);
  }
  all.choose(segments, place);
  if (!asked) return;
  std::vector<int32_t> some;
  for (const int32_t row : asked->rows) some.push_back(place[static_cast<size_t>(row)]);
  only.choose(segments, some);
}

}  // namespace models
