#include "tasks/report.h"

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "engine/train/metrics.h"

namespace tasks {

using engine::Json;
using Values = std::span<const double>;

namespace {

double ratio(double top, double bottom) { return bottom == 0 ? 0 : top / bottom; }

struct ClassCounts {
  double both = 0, predicted = 0, truth = 0;
  double precision() const { return ratio(both, predicted); }
  double recall() const { return ratio(both, truth); }
  double f1() const { return ratio(2 * both, predicted + truth); }
  Json to_json(const std::string& label) const {
    return {{"label", label}, {"precision", precision()}, {"recall", recall()},
            {"f1", f1()},     {"support", truth},         {"predicted", predicted}};
  }
};

// Means over the classes that occur.
struct Macro {
  double precision = 0, recall = 0, f1 = 0, weighted_f1 = 0;
  explicit Macro(const std::vector<ClassCounts>& classes) {
    double n = 0, all = 0;
    for (const ClassCounts& c : classes) {
      if (c.predicted + c.truth == 0) continue;
      ++n;
      all += c.truth;
      precision += c.precision();
      recall += c.recall();
      f1 += c.f1();
      weighted_f1 += c.truth * c.f1();
    }
    precision = ratio(precision, n);
    recall = ratio(recall, n);
    f1 = ratio(f1, n);
    weighted_f1 = ratio(weighted_f1, all);
  }
};

bool constant(Values v) {
  return std::all_of(v.begin(), v.end(), [&](double x) { return x == v.front(); });
}

}  // namespace

Json class_report(Values predicted, Values truth, const std::vector<std::string>& labels) {
  const size_t n = labels.size();
  std::vector<ClassCounts> classes(n);
  std::vector<std::vector<int64_t>> confusion(n, std::vector<int64_t>(n, 0));
  engine::check(predicted.size() == truth.size() && !truth.empty(), "report", predicted.size(),
                " predictions for ", truth.size(), " examples");
  for (size_t i = 0; i < truth.size(); ++i) {
    const auto t = static_cast<size_t>(truth[i]), p = static_cast<size_t>(predicted[i]);
    engine::check(t < n && p < n, "report", "example ", i, " has class ", truth[i],
                  " and the prediction ", predicted[i], " of ", n, " classes");
    ++confusion[t][p];
    ++classes[t].truth;
    ++classes[p].predicted;
    classes[t].both += t == p;
  }
  const Macro macro(classes);
  const auto majority =
      std::max_element(classes.begin(), classes.end(),
                       [](const auto& a, const auto& b) { return a.truth < b.truth; });
  const auto total = static_cast<double>(truth.size());
  Json list = Json::array();
  for (size_t c = 0; c < n; ++c) list.push_back(classes[c].to_json(labels[c]));
  Json json = {{"accuracy", engine::accuracy(predicted, truth)},
               {"macro_precision", macro.precision},
               {"macro_recall", macro.recall},
               {"macro_f1", macro.f1},
               {"weighted_f1", macro.weighted_f1},
               {"matthews", engine::matthews(predicted, truth)},
               {"majority_class", labels[static_cast<size_t>(majority - classes.begin())]},
               {"majority_accuracy", majority->truth / total},
               {"classes", list},
               {"confusion", confusion}};
  for (size_t c = 0; c < n; ++c)
    if (classes[c].predicted == total && n > 1)
      json["note"] = engine::concat("every example is predicted as '", labels[c], "'");
  return json;
}

Json number_report(Values predicted, Values truth) {
  engine::check(predicted.size() == truth.size() && !truth.empty(), "report", predicted.size(),
                " predictions for ", truth.size(), " examples");
  const auto n = static_cast<double>(truth.size());
  double mean = 0, mse = 0, mae = 0, spread = 0;
  for (const double t : truth) mean += t / n;
  for (size_t i = 0; i < truth.size(); ++i) {
    const double d = predicted[i] - truth[i];
    mse += d * d / n;
    mae += std::abs(d) / n;
    spread += (truth[i] - mean) * (truth[i] - mean) / n;
  }
  Json json = Json::object();
  const bool flat = constant(predicted), flat_truth = constant(truth);
  const bool undefined = flat || flat_truth;
  json["pearson"] = undefined ? Json() : Json(engine::pearson(predicted, truth));
  json["spearman"] = undefined ? Json() : Json(engine::spearman(predicted, truth));
  json["mse"] = mse;
  json["mae"] = mae;
  json["r2"] = spread == 0 ? Json() : Json(1 - mse / spread);
  json["mean_mse"] = spread;
  if (undefined)
    json["note"] =
        engine::concat("every ", flat ? "prediction" : "label", " is ",
                       (flat ? predicted : truth).front(), ", so the correlations are not defined");
  return json;
}

Json multilabel_report(Values predicted, Values truth, const std::vector<std::string>& labels) {
  const size_t n = labels.size();
  engine::check(predicted.size() == truth.size() && n > 0 && truth.size() % n == 0, "report",
                predicted.size(), " predictions for ", truth.size(), " labels");
  std::vector<ClassCounts> classes(n);
  ClassCounts all;
  double exact = 0;
  for (size_t i = 0; i < truth.size(); i += n) {
    bool same = true;
    for (size_t c = 0; c < n; ++c) {
      const double t = truth[i + c], p = predicted[i + c];
      for (ClassCounts* counts : {&classes[c], &all}) {
        counts->truth += t;
        counts->predicted += p;
        counts->both += t * p;
      }
      same = same && t == p;
    }
    exact += same;
  }
  double f1 = 0;  // over all classes, as scikit-learn has it for indicators
  Json list = Json::array();
  for (size_t c = 0; c < n; ++c) {
    f1 += classes[c].f1() / static_cast<double>(n);
    list.push_back(classes[c].to_json(labels[c]));
  }
  return {{"micro_precision", all.precision()},
          {"micro_recall", all.recall()},
          {"micro_f1", all.f1()},
          {"macro_f1", f1},
          {"subset_accuracy", ratio(exact, static_cast<double>(truth.size() / n))},
          {"classes", list}};
}

}  // namespace tasks
