// Scores against scikit-learn, SciPy and seqeval (tools/goldens/reports.py), and what they do not
// say.
#include "tasks/report.h"

#include <doctest/doctest.h>

#include "engine/io/json.h"
#include "tasks/entities.h"
#include "tests/support/paths.h"

using engine::Json;

namespace {

const Json& golden(const char* kind) {
  static const Json all = engine::json_file(testing::golden("reports.json"));
  return all.at(kind);
}

void check_near(const Json& found, const Json& wanted) {
  CHECK(found.get<double>() == doctest::Approx(wanted.get<double>()).epsilon(1e-12));
}

std::vector<std::string> names(size_t n) {
  std::vector<std::string> out;
  for (size_t i = 0; i < n; ++i) out.push_back("class " + std::to_string(i));
  return out;
}

std::vector<double> flat(const Json& rows) {
  std::vector<double> out;
  for (const Json& row : rows)
    for (const Json& v : row) out.push_back(v.get<double>());
  return out;
}

}  // namespace

TEST_CASE("classes as scikit-learn counts them") {
  for (const Json& c : golden("classes")) {
    const auto truth = c["truth"].get<std::vector<double>>();
    const auto predicted = c["predicted"].get<std::vector<double>>();
    const Json r = tasks::class_report(predicted, truth, names(c["n"]));
    check_near(r["accuracy"], c["accuracy"]);
    check_near(r["macro_precision"], c["macro"][0]);
    check_near(r["macro_recall"], c["macro"][1]);
    check_near(r["macro_f1"], c["macro"][2]);
    check_near(r["weighted_f1"], c["weighted_f1"]);
    check_near(r["matthews"], c["matthews"]);
    CHECK(r["confusion"] == c["confusion"]);
    for (size_t k = 0; k < c["n"].get<size_t>(); ++k)
      for (const char* what : {"precision", "recall", "f1", "support"})
        check_near(r["classes"][k][what], c[what][k]);
    const bool one = std::all_of(predicted.begin(), predicted.end(),
                                 [&](double p) { return p == predicted.front(); });
    CHECK(r.contains("note") == one);
  }
}

TEST_CASE("the majority line is what always guessing the most frequent class gives") {
  const std::vector<double> truth = {0, 1, 1, 2, 1}, predicted = {0, 0, 1, 2, 2};
  const Json r = tasks::class_report(predicted, truth, {"a", "b", "c"});
  CHECK(r["majority_class"] == "b");
  CHECK(r["majority_accuracy"].get<double>() == doctest::Approx(0.6));
}

TEST_CASE("numbers as SciPy and scikit-learn have them; a constant is said and is no NaN") {
  for (const Json& c : golden("numbers")) {
    const Json r = tasks::number_report(c["predicted"].get<std::vector<double>>(),
                                        c["truth"].get<std::vector<double>>());
    for (const char* what : {"pearson", "spearman", "mse", "mae", "r2"})
      CHECK(r[what].get<double>() == doctest::Approx(c[what].get<double>()).epsilon(1e-9));
  }
  const std::vector<double> flat = {2, 2, 2}, truth = {1, 2, 3};
  const Json r = tasks::number_report(flat, truth);
  CHECK(r["pearson"].is_null());
  CHECK(r["spearman"].is_null());
  CHECK(r["note"].get<std::string>().find("every prediction is 2") == 0);
  CHECK(tasks::number_report(truth, flat)["note"].get<std::string>().find("every label is 2") == 0);
}

TEST_CASE("several classes at once as scikit-learn counts them") {
  for (const Json& c : golden("multilabel")) {
    const Json r = tasks::multilabel_report(flat(c["predicted"]), flat(c["truth"]), names(c["n"]));
    for (const char* what : {"micro_f1", "macro_f1", "subset_accuracy"})
      check_near(r[what], c[what]);
  }
}

TEST_CASE("entities as seqeval finds and counts them") {
  int64_t found = 0;
  for (const Json& c : golden("entities")) {
    const auto truth = c["truth"].get<tasks::Tags>(), predicted = c["predicted"].get<tasks::Tags>();
    for (size_t s = 0; s < truth.size(); ++s) {
      Json list = Json::array();
      for (const tasks::Entity& e : tasks::entities(truth[s]))
        list.push_back({e.type, e.begin, e.end});
      CHECK(list == c["entities"][s]);
      found += static_cast<int64_t>(list.size());
    }
    const Json r = tasks::entity_report(predicted, truth);
    for (const char* what : {"precision", "recall", "f1", "macro_f1", "accuracy"})
      check_near(r[what], c[what]);
    CHECK(r["types"].size() == c["types"].size());
    for (const Json& type : r["types"])
      check_near(type["f1"], c["types"][type["label"].get<std::string>()]);
  }
  CHECK(found > 100);
}
