#include "task.h"

namespace task {

void adamw(std::vector<double>& p, const std::vector<double>& g, Moments& moments,
           const Settings& s) {
  moments.m.resize(p.size());
  moments.v.resize(p.size());
  const int t = ++moments.steps;
  const double correct_m = 1 - std::pow(s.beta1, t), correct_v = 1 - std::pow(s.beta2, t);
  for (size_t i = 0; i < p.size(); ++i) {
    double &m = moments.m[i], &v = moments.v[i];
    m = s.beta1 * m + (1 - s.beta1) * g[i];
    v = s.beta2 * v + (1 - s.beta2) * g[i] * g[i];
    p[i] *= 1 - s.rate * s.weight_decay;
    p[i] -= s.rate * (m / correct_m) / (std::sqrt(v / correct_v) + s.eps);
  }
}

}  // namespace task
