#include "engine/train/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "engine/base/error.h"

namespace engine {
namespace {

using Values = std::span<const double>;

void check_values(const char* name, Values predicted, Values truth) {
  check(predicted.size() == truth.size(), name, predicted.size(), " predictions for ", truth.size(),
        " examples");
  check(!truth.empty(), name, "there are no examples");
  for (size_t i = 0; i < truth.size(); ++i)
    check(std::isfinite(predicted[i]) && std::isfinite(truth[i]), name, "example ", i,
          " has the prediction ", predicted[i], " and the label ", truth[i],
          ", expected finite numbers",
          hint("training has diverged if a prediction is nan: lower the learning rate"));
}

double ratio(double top, double bottom) { return bottom == 0 ? 0 : top / bottom; }

// Ranks from 1; equal values get the mean of the ranks that they take together.
std::vector<double> ranks(Values values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> rank(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double mean = (static_cast<double>(begin + 1) + static_cast<double>(end)) / 2;
    for (size_t i = begin; i < end; ++i) rank[order[i]] = mean;
    begin = end;
  }
  return rank;
}

struct Metric {
  const char* name;
  double (*compute)(Values, Values);
};
constexpr Metric kMetrics[] = {{"accuracy", accuracy},
                               {"f1", f1},
                               {"matthews", matthews},
                               {"pearson", pearson},
                               {"spearman", spearman}};

}  // namespace

double accuracy(Values predicted, Values truth) {
  check_values("accuracy", predicted, truth);
  size_t right = 0;
  for (size_t i = 0; i < truth.size(); ++i) right += predicted[i] == truth[i];
  return static_cast<double>(right) / static_cast<double>(truth.size());
}

double f1(Values predicted, Values truth) {
  check_values("f1", predicted, truth);
  double both = 0, either = 0;  // TP, and TP + FP + TP + FN
  for (size_t i = 0; i < truth.size(); ++i) {
    both += predicted[i] == 1 && truth[i] == 1;
    either += (predicted[i] == 1) + (truth[i] == 1);
  }
  return ratio(2 * both, either);
}

double matthews(Values predicted, Values truth) {
  check_values("matthews", predicted, truth);
  std::map<double, std::pair<double, double>>
      counts;  // of each class: how often predicted, how often true
  double right = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    counts[predicted[i]].first += 1;
    counts[truth[i]].second += 1;
    right += predicted[i] == truth[i];
  }
  const auto n = static_cast<double>(truth.size());
  double pt = 0, pp = 0, tt = 0;
  for (const auto& [label, count] : counts) {
    pt += count.first * count.second;
    pp += count.first * count.first;
    tt += count.second * count.second;
  }
  return ratio(n * right - pt, std::sqrt(n * n - pp) * std::sqrt(n * n - tt));
}

double pearson(Values predicted, Values truth) {
  check_values("pearson", predicted, truth);
  const auto n = static_cast<double>(truth.size());
  const auto constant = [](Values v) {
    return std::all_of(v.begin(), v.end(), [&](double x) { return x == v.front(); });
  };
  if (constant(predicted) || constant(truth))
    return 0;  // exactly: rounding of the mean must not make a correlation
  const double mean_p = std::accumulate(predicted.begin(), predicted.end(), 0.0) / n;
  const double mean_t = std::accumulate(truth.begin(), truth.end(), 0.0) / n;
  double pt = 0, pp = 0, tt = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    const double p = predicted[i] - mean_p, t = truth[i] - mean_t;
    pt += p * t;
    pp += p * p;
    tt += t * t;
  }
  return std::clamp(ratio(pt, std::sqrt(pp) * std::sqrt(tt)), -1.0, 1.0);
}

double spearman(Values predicted, Values truth) {
  check_values("spearman", predicted, truth);
  return pearson(ranks(predicted), ranks(truth));
}

const std::vector<std::string>& metric_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Metric& m : kMetrics) all.emplace_back(m.name);
    return all;
  }();
  return names;
}

double metric(std::string_view name, Values predicted, Values truth) {
  for (const Metric& m : kMetrics)
    if (name == m.name) return m.compute(predicted, truth);
  std::string all;
  for (const std::string& known : metric_names()) all += (all.empty() ? "" : ", ") + known;
  fail("metric", "there is no metric '", name, "'", hint("the metrics are: " + all));
}

}  // namespace engine
