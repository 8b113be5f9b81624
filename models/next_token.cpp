#include "models/next_token.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace models {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

void forbid(const std::vector<int32_t>& ids, std::span<float> scores) {
  for (const int32_t id : ids)
    if (id >= 0 && static_cast<size_t>(id) < scores.size())
      scores[static_cast<size_t>(id)] = kNever;
}

void penalise_repetition(double penalty, std::span<const int32_t> ids, std::span<float> scores) {
  std::vector<int32_t> seen(ids.begin(), ids.end());
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  const auto factor = static_cast<float>(penalty);
  for (const int32_t id : seen) {
    if (static_cast<size_t>(id) >= scores.size()) continue;
    float& score = scores[static_cast<size_t>(id)];
    score = score < 0 ? score * factor : score / factor;
  }
}

// Rules out every id that would repeat an n-gram: the last n - 1 ids stood somewhere before it.
void forbid_repeated(size_t n, std::span<const int32_t> ids, std::span<float> scores) {
  if (ids.size() + 1 < n) return;
  const auto last = ids.last(n - 1);
  for (size_t i = 0; i + n <= ids.size(); ++i)
    if (std::equal(last.begin(), last.end(), ids.begin() + static_cast<std::ptrdiff_t>(i)))
      scores[static_cast<size_t>(ids[i + n - 1])] = kNever;
}

// Leaves these ids alone.
void force(const std::vector<int32_t>& ids, std::span<float> scores) {
  std::fill(scores.begin(), scores.end(), kNever);
  for (const int32_t id : ids)
    if (id >= 0 && static_cast<size_t>(id) < scores.size()) scores[static_cast<size_t>(id)] = 0;
}

// The score of the k-th largest.
float kth(std::span<const float> scores, size_t k) {
  std::vector<float> copy(scores.begin(), scores.end());
  std::nth_element(copy.begin(), copy.begin() + static_cast<std::ptrdiff_t>(k - 1), copy.end(),
                   std::greater<>());
  return copy[k - 1];
}

// exp(score - largest) and their sum.
std::vector<double> weights(std::span<const float> scores, double& sum) {
  const float most = *std::max_element(scores.begin(), scores.end());
  std::vector<double> w(scores.size());
  sum = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    w[i] = std::exp(static_cast<double>(scores[i]) - static_cast<double>(most));
    sum += w[i];
  }
  return w;
}

// Ids by descending score.
std::vector<int32_t> by_score(std::span<const float> scores) {
  std::vector<int32_t> order;
  for (size_t i = 0; i < scores.size(); ++i)
    if (scores[i] != kNever) order.push_back(static_cast<int32_t>(i));
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)];
  });
  return order;
}

}  // namespace

void log_softmax(std::span<float> scores) {
  double sum = 0;
  const float most = *std::max_element(scores.begin(), scores.end());
  for (const float s : scores) sum += std::exp(static_cast<double>(s) - static_cast<double>(most));
  const double shift = static_cast<double>(most) + std::log(sum);
  for (float& s : scores) s = static_cast<float>(static_cast<double>(s) - shift);
}

int64_t most_new_ids(const GenerateOptions& o, size_t prompt) {
  const auto length = static_cast<int64_t>(prompt);
  return o.max_length ? std::min<int64_t>(o.max_new_tokens, o.max_length - length)
                      : o.max_new_tokens;
}

void process_scores(const GenerateOptions& o, std::span<const int32_t> ids, int written,
                    std::span<float> scores) {
  if (o.repetition_penalty != 1) penalise_repetition(o.repetition_penalty, ids, scores);
  if (o.no_repeat_ngram > 0) forbid_repeated(static_cast<size_t>(o.no_repeat_ngram), ids, scores);
  if (written < o.min_new_tokens || static_cast<int>(ids.size()) < o.min_length)
    forbid(o.end, scores);
  if (o.forced_first >= 0 && ids.size() == 1) force({o.forced_first}, scores);
  const auto prompt = ids.size() - static_cast<size_t>(written);
  if (!o.forced_last.empty() && written + 1 == most_new_ids(o, prompt))
    force(o.forced_last, scores);
  forbid(o.suppressed, scores);
  if (written == 0) forbid(o.begin_suppressed, scores);
}

void warp_scores(const GenerateOptions& o, int keep, std::span<float> scores) {
  if (o.temperature != 1)
    for (float& s : scores) s /= static_cast<float>(o.temperature);
  if (o.top_k > 0) {
    const auto k = std::min(scores.size(), static_cast<size_t>(std::max(o.top_k, keep)));
    const float least = kth(scores, k);
    for (float& s : scores)
      if (s < least) s = kNever;
  }
  if (o.top_p < 1) {
    double sum = 0, tail = 0;
    const std::vector<double> w = weights(scores, sum);
    const std::vector<int32_t> order = by_score(scores);
    // From the least likely: those whose sum stays within 1 - p go.
    for (size_t i = order.size(); i-- > static_cast<size_t>(keep);) {
      tail += w[static_cast<size_t>(order[i])] / sum;
      if (tail > 1 - o.top_p) break;
      scores[static_cast<size_t>(order[i])] = kNever;
    }
  }
  if (o.min_p > 0) {
    const float most = *std::max_element(scores.begin(), scores.end());
    const float least =
        keep > 1 ? kth(scores, std::min(scores.size(), static_cast<size_t>(keep))) : most;
    for (float& s : scores)
      if (std::exp(s - most) < static_cast<float>(o.min_p) && s < least) s = kNever;
  }
}

int32_t likeliest(std::span<const float> scores) {
  return static_cast<int32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

int32_t draw(std::span<const float> scores, double uniform) {
  double sum = 0;
  const std::vector<double> w = weights(scores, sum);
  double left = uniform * sum;
  size_t last = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    if (w[i] == 0) continue;
    last = i;
    left -= w[i];
    if (left < 0) break;
  }
  return static_cast<int32_t>(last);
}

}  // namespace models
