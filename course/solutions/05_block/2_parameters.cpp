#include "task.h"

namespace task {

static long head(const Sizes& s) { return s.classes * (s.d + 1); }

long layer_parameters(const Sizes& s) {
  const long attention = 4 * (s.d * s.d + s.d);
  const long feed_forward = s.d * s.f + s.f + s.f * s.d + s.d;
  const long norms = 2 * 2 * s.d;
  return attention + feed_forward + norms;
}

long total_parameters(const Sizes& s) {
  const long embeddings = (s.vocabulary + s.positions + 2) * s.d + 2 * s.d;
  const long pooler = s.d * s.d + s.d;
  return embeddings + s.layers * layer_parameters(s) + pooler + head(s);
}

long bitfit_parameters(const Sizes& s) {
  const long layer = 4 * s.d + s.f + s.d + 2 * s.d;
  return s.layers * layer + s.d + s.d + head(s);
}

long lora_parameters(const Sizes& s, long r) {
  return s.layers * 2 * (r * s.d + s.d * r) + head(s);
}

long top_parameters(const Sizes& s, long top) {
  return top * layer_parameters(s) + s.d * s.d + s.d + head(s);
}

}  // namespace task
