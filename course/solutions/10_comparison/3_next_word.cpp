#include <algorithm>
#include <numeric>

#include "task.h"

namespace task {

std::vector<double> distribution(const std::vector<double>& scores, double temperature, int top_k) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  if (top_k > 0 && static_cast<size_t>(top_k) < order.size())
    order.resize(static_cast<size_t>(top_k));
  std::vector<double> p(scores.size(), 0.0);
  double sum = 0;
  for (const size_t i : order) sum += p[i] = std::exp((scores[i] - scores[order[0]]) / temperature);
  for (double& x : p) x /= sum;
  return p;
}

int draw(const std::vector<double>& p, double uniform) {
  double sum = 0;
  int last = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] <= 0) continue;
    last = static_cast<int>(i);
    sum += p[i];
    if (sum > uniform) break;
  }
  return last;
}

double perplexity(const std::vector<double>& p) {
  double sum = 0;
  for (const double x : p) sum -= std::log(x);
  return std::exp(sum / static_cast<double>(p.size()));
}

}  // namespace task
